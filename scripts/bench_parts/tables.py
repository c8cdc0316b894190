"""What is printed: the goals first, then what was measured, each with median and spread."""

from .measures import spread


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def with_spread(values: list[float] | dict[str, float], unit: str = "") -> str:
    found = values if isinstance(values, dict) else spread(values)
    return f"{number(found['median'])}{unit} ({number(found['min'])}–{number(found['max'])})"


def columns(rows: list[dict]) -> list[str]:
    """Rows of words as lines, each column as wide as it must be."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows]


def goals_text(rows: list[dict]) -> list[str]:
    words = {True: "yes", False: "NO", None: ""}
    lines = [("goal", "asked", "measured: median (min–max)", "reached")]
    for row in rows:
        measured = with_spread(row["measured"], row["unit"]) if row["measured"] else "not measured"
        lines.append((row["name"], row["goal"], measured, words[row["reached"]]))
    return columns(lines)


def groups(records: list[dict], measure: str) -> dict[tuple, list[dict]]:
    """(axis, point, worker) → records, in the order of the first."""
    found = {}
    for record in records:
        if record["measure"] == measure:
            found.setdefault((record["axis"], record["point"], record["worker"]), []).append(record)
    return found


def _throughput(kind: str, found: dict[tuple, list[dict]]) -> list[str]:
    lines = [(kind, "axis", "point", "jobs/s", "CPU µs/job", "switches/job", "peak MiB", "ms to first result")]
    for (axis, point, worker), runs in found.items():
        lines.append((
            worker, axis, str(point), with_spread([run["jobsPerSecond"] for run in runs]),
            with_spread([run["cpuMicrosecondsPerJob"] for run in runs]),
            # Results that were kept earlier have none.
            with_spread(known) if (known := [run["switchesPerJob"] for run in runs if "switchesPerJob" in run]) else "",
            with_spread([run["peakBytes"] / 2**20 for run in runs]),
            with_spread([run["startToFirstMilliseconds"] for run in runs])))
    return columns(lines)


def measured_text(records: list[dict], kinds: dict[str, tuple[str, ...]]) -> list[str]:
    """`kinds`: title → workers that can be compared. Each has a table of its own."""
    found = groups(records, "throughput")
    text = []
    for kind, workers in kinds.items():
        chosen = {key: runs for key, runs in found.items() if key[2] in workers}
        if chosen:
            text += ([""] if text else []) + _throughput(kind, chosen)
    lines = [("latency at an even rate", "jobs/s", "p50 ms", "p99 ms")]
    for (axis, point, worker), runs in groups(records, "latency").items():
        lines.append((
            f"{worker}, {point}" if worker == "daemon" else worker, number(runs[0]["rate"]),
            with_spread([run["p50"] for run in runs]), with_spread([run["p99"] for run in runs])))
    for part, name in (("hop", "broker alone, once"), ("call", "API alone")):
        runs = [record for record in records if record["measure"] == "bare"]
        if runs:
            lines.append((name, number(runs[0]["rate"]), with_spread([run[part]["p50"] for run in runs]),
                          with_spread([run[part]["p99"] for run in runs])))
    return text + ([""] + columns(lines) if len(lines) > 1 else [])
