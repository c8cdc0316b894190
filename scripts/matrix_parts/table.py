"""The table of a run: a line for each row, a column for each release."""
from collections.abc import Mapping, Sequence

from .cell import Outcome, Row


def table(rows: Sequence[Row], suites: Sequence[str], versions: Mapping[str, Mapping[str, str]],
          outcomes: Sequence[Outcome]) -> str:
    """In Markdown. `versions`: suite → what it has of what. A cell that was not asked for is empty."""
    found = {(outcome.cell.row.name, outcome.cell.suite): outcome for outcome in outcomes}
    titles = list(dict.fromkeys(title for suite in suites for title in versions.get(suite, {})))
    lines = [["", *suites], ["---"] * (len(suites) + 1)]
    lines += [[title, *(versions.get(suite, {}).get(title, "") for suite in suites)] for title in titles]
    for row in rows:
        cells = [found.get((row.name, suite)) for suite in suites]
        if any(cells):
            lines.append([f"{row.name}: {row.title}", *(_cell(outcome) for outcome in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return ""
    seen = outcome.seen if outcome.passed else "**failed**"
    return f"{seen.replace('|', '/')}, {outcome.seconds:.0f} s"


def summary(outcomes: Sequence[Outcome]) -> str:
    failed = [outcome for outcome in outcomes if not outcome.passed]
    lines = [f"{outcome.cell.name}: {outcome.seen}" for outcome in failed]
    return "\n".join([*lines, f"{len(outcomes) - len(failed)} passed, {len(failed)} failed"])
