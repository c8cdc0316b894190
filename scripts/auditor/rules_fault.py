"""Whose fault it is: what is wrong with one job is that job's end and nobody else's."""
from collections.abc import Iterator

from .expectations import MAX_AGE_SECONDS
from .facts import UNHEARD, Facts, Job
from .reasons import UNKNOWN, WITNESSED
from .rules_messages import calls_of

#: Two rounds of probes, the waits before them a tenth longer than they say, of the hold with the longest ones,
#: `rate_limited`: 33 + 30 + 66 + 30 s; and the way from there to the result, on a machine that is busy.
TWO_ROUNDS_MS = 159_000 + 15_000
#: From the clock of the daemon to that of the records.
CLOCKS_MS = 2_000


def good_jobs(facts: Facts) -> Iterator[str]:
    """At the quiet end of a run each good job is left, whatever is refused around it, and none of them has to wait for
    two rounds before another one is done."""
    good = [job for job in facts.jobs.values() if job.nature == "good"]
    for job in good:
        for result, at in facts.generations(job).values():
            outcome = result.get("outcome")
            if outcome == "already_left" and facts.between(UNHEARD, job.first_at, at):
                facts.explain("good job already_left after a fault")
            elif outcome != "left":
                yield f"job {job.name}: a good job is {outcome} ({result.get('reason')})"
    for began, until in _standstills(waits(facts)):
        if facts.between({"death"}, began, until):
            facts.explain("good jobs that waited longer, for a daemon that was killed")
        else:
            yield f"no good job was done in {(until - began) / 1000:.0f} s, until {until}"


def waits(facts: Facts) -> list[tuple[int, int]]:
    """When each good job of the end came and was done, in the order of their ends."""
    pairs = [(job.first_at, facts.generations(job)[0][1]) for job in facts.jobs.values()
             if job.nature == "good" and facts.generations(job)]
    return sorted(pairs, key=lambda pair: pair[1])


def _standstills(pairs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Times in which some waited and none was done."""
    last, came = 0, float("inf")
    firsts = []
    for began, _ in reversed(pairs):
        came = min(came, began)
        firsts.append(came)
    for (_, until), first in zip(pairs, reversed(firsts)):
        if until - max(last, first) > TWO_ROUNDS_MS:
            yield max(last, first), until
        last = until


def bad_jobs(facts: Facts) -> Iterator[str]:
    """Each bad job fails, with the reason of what is wrong with it and no other, and says what is known of the user."""
    for job in facts.jobs.values():
        if job.ailment is None:
            continue
        for generation, (result, at) in facts.generations(job).items():
            problem = _wrong_end(facts, job, result, at) or _wrong_effect(facts, job, result, at)
            if problem:
                yield f"job {job.name}#{generation} (row {job.ailment.row}): {problem}"


def _wrong_end(facts: Facts, job: Job, result: dict, at: int) -> str | None:
    """Why the job may not end so; None if it may."""
    outcome, reason = result.get("outcome"), result.get("reason")
    if outcome != "failed":
        return f"a bad job is {outcome}"
    if reason in job.ailment.ends - {"attempts_exhausted"} or (reason == "deadline_exceeded" and job.deadline):
        return None
    # They may befall any job, and have a rule of their own.
    if reason in ("job_lost", "poison"):
        return None
    if reason == "attempts_exhausted":
        first = _first_call(facts, job, at)
        if first is None:
            if at - job.first_at + CLOCKS_MS >= MAX_AGE_SECONDS * 1000:
                facts.explain("bad job that was given up by age before a call")
                return None
            return "attempts_exhausted without a call"
        if "attempts_exhausted" in job.ailment.ends:
            return None
        if at - first + CLOCKS_MS >= MAX_AGE_SECONDS * 1000:
            facts.explain("bad job that was given up by age")
            return None
    if reason == "outcome_unknown" and "share_token_invalid" in job.ailment.ends \
            and facts.between(UNHEARD, job.first_at, at):
        facts.explain("bad job with a call that was not heard")
        return None
    return f"it failed with {reason}, and may with {sorted(job.ailment.ends)}"


def _wrong_effect(facts: Facts, job: Job, result: dict, at: int) -> str | None:
    effect, reason = result.get("effect"), result.get("reason")
    if reason in UNKNOWN or reason in WITNESSED:
        expected = "unknown" if reason in UNKNOWN else "not_left"
        return None if effect == expected else f"{reason} with effect {effect}"
    if effect == "not_left":
        return f"not_left ({reason}), and nobody knows" if job.ailment.marks and _was_answered(facts, job, at) else None
    if effect == "unknown":
        if job.ailment.marks and _first_call(facts, job, at) is not None:
            return None
        if facts.between(UNHEARD, job.first_at, at):
            facts.explain("bad job unknown after a fault")
            return None
        return f"unknown ({reason}), and the API refused it"
    return f"effect {effect}"


def _calls(facts: Facts, job: Job, at: int) -> list[dict]:
    return [call for call in calls_of(facts, job) if call["method"] == "leave" and call["at"] <= at]


def _first_call(facts: Facts, job: Job, at: int) -> int | None:
    made = _calls(facts, job, at)
    return made[0]["at"] if made else None


def _was_answered(facts: Facts, job: Job, at: int) -> bool:
    """With what is wrong with it: an access token that has ended is refused before that."""
    return any(call["answer"] != "401" for call in _calls(facts, job, at))
