"""Of several workers on one ledger: how soon others go on with what a dead one had.

Judged of the jobs at the quiet end, whose workers have nothing else to do. The machine may have: what it kept from
everybody is taken off, as a watch of the stage's own measured it, and never what the workers themselves needed.
"""
from collections.abc import Iterator

from .facts import BROKER_AWAY, DATABASE_AWAY, Facts, Job
from .rules_messages import calls_of

#: What can keep a job from its end for as long as it lasts, and who then has to find everything anew.
HINDRANCES = {"kill_daemon", "stop_daemon", "term_daemon", "drop_api", "drop_broker", "drop_database",
              *DATABASE_AWAY, *BROKER_AWAY, "api_holds", "day_spent"}
#: After the end of the last lease: the question, the call, and the way of both.
AFTER_LEASE_MS = 5_000
#: For a job without an open intent, beside a worker that was killed; and for one that nothing befell.
AT_ONCE_MS = 2_000
#: Where the machine kept more than this part of a job's time from everybody, wake-ups are no measure of what it kept from
#: a job, which needs the processor besides: what is late then is nobody's fault that can be named.
MOST_LOST = 0.2

BUSY = "the machine was busy with something else, and it was late"


def in_time(facts: Facts) -> Iterator[str]:
    """What a dead worker was calling for ends when its lease has, elsewhere or there; all else goes on at once."""
    hindrances = sorted((fault["at"], fault["until"]) for fault in facts.faults if fault["kind"] in HINDRANCES)
    for job in facts.jobs.values():
        if job.nature != "quiet" or not facts.generations(job):
            continue
        came, ended = job.first_at, facts.generations(job)[0][1]
        before = [until for at, until in hindrances if at <= ended and until >= came]
        since = max([came, *before])
        # A claim that was open at the death is known by the question that its takeover asks.
        was_taken_over = any(call["method"] == "get" for call in calls_of(facts, job))
        most = _slowness(job) + (facts.terms.lease + AFTER_LEASE_MS if before and was_taken_over else AT_ONCE_MS)
        lost = facts.stalls.lost(since, ended)
        took = ended - since
        if took <= most:
            facts.judged["in_time"] += 1
            facts.explain("quiet job " + (
                "that nothing befell" if not before else "beside a fault that " + (
                    "was taken over" if was_taken_over else "went on at once")))
        elif lost is None:
            facts.not_judged["in_time"]["nobody watched the machine, and it was late"] += 1
        elif took - lost > most and lost <= took * MOST_LOST:
            facts.judged["in_time"] += 1
            what = "with nothing in its way" if not before else (
                f"after the last fault{', and taken over' if was_taken_over else ''}")
            yield (f"job {job.name}: done in {took} ms {what}, of which the machine kept {lost:.0f} from all; {most} ms "
                   "are enough")
        elif took - lost > most:
            facts.not_judged["in_time"][BUSY] += 1
        else:
            facts.judged["in_time"] += 1
            facts.explain("quiet job that was late by no more than the machine stood still")


def _slowness(job: Job) -> int:
    """How long the API takes for its call."""
    return sum(action.get("milliseconds", 0) for action in (job.fault or {}).get("actions", []))
