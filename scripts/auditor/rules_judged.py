"""Of the auditor itself: what a run gave it to judge. A rule that had nothing to look at has found nothing wrong
either."""
from collections.abc import Iterator

from .facts import Facts
from .rules_in_time import BUSY


def judged(facts: Facts) -> Iterator[str]:
    """Each rule that counts its cases could judge most of them, if not for the machine."""
    for rule, reasons in facts.not_judged.items():
        yield from _too_few(facts, rule, {reason: count for reason, count in reasons.items() if reason != BUSY})


def machine(facts: Facts) -> Iterator[str]:
    """The machine was quiet enough for most cases to be judged: a worker that keeps it from all excuses nobody."""
    for rule, reasons in facts.not_judged.items():
        yield from _too_few(facts, rule, {reason: count for reason, count in reasons.items() if reason == BUSY})


def _too_few(facts: Facts, rule: str, reasons: dict[str, int]) -> Iterator[str]:
    missed = sum(reasons.values())
    if missed > facts.judged[rule]:
        yield (f"{rule}: {facts.judged[rule]} judged, {missed} not: "
               + "; ".join(f"{count} because {reason}" for reason, count in reasons.items()))


def summary(facts: Facts) -> dict:
    """Rule → how many cases it judged, and how many it could not, by why."""
    return {rule: {"judged": facts.judged[rule], "not": dict(facts.not_judged[rule])}
            for rule in sorted(facts.judged.keys() | facts.not_judged.keys())}
