"""Of several workers on one ledger: that no job waits while nobody has anything else to do and nothing keeps it.

What passes between two requests for a job, before its first one and after its last, is a wait. Taken off it is what it
may have waited for others: the times in which calls of anybody flowed, in which something struck, or the machine stood
still. What is left has to be no longer than the workers let a job wait by their own rules.
"""
import bisect
from collections.abc import Iterator, Sequence

from .facts import Facts, Job
from .rules_in_time import AFTER_LEASE_MS, BUSY, HINDRANCES, MOST_LOST
from .rules_messages import calls_of
from .rules_questions import fails_in_a_row

#: After a call of anybody the next one is the turn of somebody else.
FLOW_MS = 1_000
#: Of the end of a lease, several who waited for it come one after another.
AFTER_WAIT_MS = 1_100
#: A copy comes a tenth later than its delay says, and then has its way.
SPREAD, PROMPT_MS = 1.1, 2_000
#: A job that failed in a hold stays away past a round, the wait before the next one and that one.
AWAY_MS = 90_000
#: What everybody may hold for, and for how long after it somebody does.
HOLDING, KNOWN_MS = {"api_holds", "drop_api", "day_spent"}, 3_000
#: Failures in a row count for so long.
ROW_MS = 30_000


def waits(facts: Facts) -> Iterator[str]:
    """No job waits longer than the rules of its workers say, but for others and for what strikes."""
    taken = Intervals(_taken(facts))
    for job in facts.jobs.values():
        for begin, end, what, last in _waits(facts, job):
            most, lost = _most(facts, job), facts.stalls.lost_at_most(begin, end)
            idle = end - begin - taken.within(begin, end)
            if idle - lost <= most:
                facts.judged["waits"] += 1
            elif last is not None and idle - lost <= most + AWAY_MS and _may_hold(facts, last):
                facts.judged["waits"] += 1
                facts.explain("wait of a job that failed while somebody may have held")
            elif lost > idle * MOST_LOST:
                facts.not_judged["waits"][BUSY] += 1
            else:
                facts.judged["waits"] += 1
                yield (f"job {job.name} ({job.nature}): {end - begin} ms {what}, of which nobody called and nothing struck "
                       f"in {idle}, and the machine kept {lost:.0f} from all; {most:.0f} ms are enough")


def _waits(facts: Facts, job: Job) -> Iterator[tuple[int, int, str, dict | None]]:
    """(from, until, between what, the request before it)."""
    since, before, last = job.first_at, "its publication", None
    ended = min((at for _, at in facts.generations(job).values()), default=None)
    for call in calls_of(facts, job):
        # One that comes after the result has another rule.
        if ended is not None and call["at"] > ended:
            break
        yield since, call["at"], f"from {before} to {call['method']} {call['sequence']}", last
        since = facts.over.get(call["sequence"], call["at"] + facts.terms.timeout)
        before, last = f"{call['method']} {call['sequence']} ({call['answer']})", call
    if ended is not None:
        yield since, ended, f"from {before} to its result", last


def _most(facts: Facts, job: Job) -> float:
    """A lease that nobody returned, and then the longest delay of a retry."""
    late = sum(action.get("milliseconds", 0) for action in (job.fault or {}).get("actions", []))
    return facts.terms.lease + AFTER_WAIT_MS + facts.terms.longest_delay * SPREAD + late + PROMPT_MS


def _taken(facts: Facts) -> Iterator[tuple[int, int]]:
    """When whoever waited may have waited for others, or for what struck."""
    for fault in facts.faults:
        if fault["kind"] in HINDRANCES:
            yield fault["at"], fault["until"] + facts.terms.lease + AFTER_LEASE_MS
    for call in facts.calls:
        yield call["at"], facts.over.get(call["sequence"], call["at"] + facts.terms.timeout) + FLOW_MS


def _may_hold(facts: Facts, call: dict) -> bool:
    """Somebody may have held when this request was answered, so that its job had to make way for others."""
    over = facts.over.get(call["sequence"], call["at"] + facts.terms.timeout)
    if any(fault["kind"] in HOLDING and fault["at"] <= over and fault["until"] + KNOWN_MS >= call["at"]
           for fault in facts.faults):
        return True
    return fails_in_a_row(facts, over - ROW_MS, over + KNOWN_MS)


class Intervals:
    """Their union."""

    def __init__(self, intervals: Sequence[tuple[int, int]] | Iterator[tuple[int, int]]):
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in sorted(intervals):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def within(self, begin: int, end: int) -> int:
        """How much of the time between the two they cover."""
        covered = 0
        for place in range(bisect.bisect_left(self._ends, begin), len(self._begins)):
            if self._begins[place] >= end:
                break
            covered += max(0, min(end, self._ends[place]) - max(begin, self._begins[place]))
        return covered
