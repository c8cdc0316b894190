"""Of a shared ledger whose database lost commits in a failover: what went with them, and what that cost.

No daemon can keep a promise that rests on what it was told is committed and is not. So what is wrong with a job that
something was committed of, while no standby got any of it, is counted and not taken for a fault; everything else is.
"""
import collections
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .facts import Facts, Job, is_success
from .rules_messages import calls_of

#: From a claim's commit to the API's note of its call, and from the end of a call to the commit of its record.
WAY_MS = 2_000
#: And as much later as the machine stood still meanwhile, within this.
LONGEST_STALL_MS = 15_000
#: Whom a violation is about.
NAME = re.compile(r"\b(?:job|result) ([\w-]+)")


@dataclass(frozen=True)
class Loss:
    """What was committed from `since` on is lost; at `until` the primary was gone."""
    since: int
    until: int
    commits: int


def losses(facts: Facts) -> list[Loss]:
    return [Loss(fault["since"], fault["gone"], fault["unshared"]) for fault in facts.faults if "since" in fault]


def touched(facts: Facts) -> set[str]:
    """Jobs that a claim or a record may be lost of."""
    found = [(loss.since - WAY_MS, loss.until + WAY_MS + facts.stalls.lost_at_most(
        loss.until, loss.until + LONGEST_STALL_MS)) for loss in losses(facts)]
    return {job.name for job in facts.jobs.values() if any(
        begin <= at <= end for at in _times(facts, job) for begin, end in found)}


def _times(facts: Facts, job: Job) -> Iterator[int]:
    for call in calls_of(facts, job):
        yield call["at"]
        if call["sequence"] in facts.over:
            yield facts.over[call["sequence"]]
    yield from (at for _, at in facts.generations(job).values())


def sort(facts: Facts, violations: dict[str, list[str]]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Those that no loss explains; and of each rule, how many one does."""
    if not losses(facts):
        return violations, {}
    excused, left, cost = touched(facts), {}, collections.Counter()
    for rule, found in violations.items():
        for one in found:
            names = set(NAME.findall(one))
            if names and names <= excused:
                cost[rule] += 1
            else:
                left.setdefault(rule, []).append(one)
    return left, dict(cost)


def summary(facts: Facts) -> dict[str, int] | None:
    """What was lost, and what became of the jobs that it was lost of. None where nothing can have been."""
    found = losses(facts)
    if not found:
        return None
    jobs = [facts.jobs[name] for name in sorted(touched(facts))]
    twice = again = 0
    for job in jobs:
        previous, asked = None, False
        for call in calls_of(facts, job):
            if previous is not None and is_success(previous):
                twice += call["method"] == "leave"
                asked = asked or call["method"] == "get"
            previous = call
        again += asked
    remembered = (facts.final or {}).get("remembered") or {}
    ended = {job.name for job in facts.jobs.values() if facts.generations(job)}
    left_open = ended & set(remembered.get("open", ()))
    return {
        "failovers": len(found), "commits": sum(loss.commits for loss in found), "jobs": len(jobs),
        "called for again, unasked": twice, "asked about again": again,
        "results with two bodies": sum(
            len({copy["body"] for copy in copies}) > 1 for copies in facts.copies.values()),
        "ended, and open in the ledger": len(left_open),
        "ended, and unknown to the ledger": len(ended - left_open - set(remembered.get("ended", ended)))}
