"""Of every call of the API: that it was due, and whose it was."""
from collections.abc import Iterator

from .facts import DATABASE_AWAY, SLACK_MS, UNHEARD, Facts, Job, is_success
from .rules_messages import calls_of, winner

#: What can hold a call up between the daemon's look at the clock and the API's.
HELD_UP = {"silent_api", "drop_api", "loss_api", "slow_api", "slow_api_a_little", "stop_daemon", "clock_jump",
           "cut_api"}
#: From the look at the clock to the simulator's note, on a machine that is busy.
PROMPT_MS = 1_000


def calls(facts: Facts) -> Iterator[str]:
    """A second call of a job, or an album query, has a cause before it. Questions of several workers have a rule of their
    own, which knows whom a fault befell."""
    for job in facts.jobs.values():
        previous, has_left = None, job.nature == "not_member"
        for call in calls_of(facts, job):
            is_judged = call["method"] == "leave" or facts.terms is None
            cause = _cause(facts, job, previous, call, has_left) if is_judged else ""
            if cause is None:
                before = f"after {previous['method']} {previous['answer']} ({previous['effect']})" if previous \
                    else "as its first call"
                yield f"job {job.name} ({job.nature}): {call['method']} (sequence {call['sequence']}) {before}"
            elif cause and (previous is not None or call["method"] == "get"):
                facts.explain(f"call {cause}")
            has_left = has_left or call["effect"] == "left"
            previous = call


#: From a call to the record of its answer: a fault that falls later finds the answer in the ledger.
RECORDED_MS = 6_000
#: What keeps an answer from the ledger for longer.
UNRECORDED = {"ledger_full", "ledger_readonly", "stop_daemon", "drop_database", *DATABASE_AWAY}


def _cause(facts: Facts, job: Job, previous: dict | None, call: dict, has_left: bool) -> str | None:
    begin, end = (previous["at"] if previous else job.first_at), call["at"]
    if previous and not facts.between(UNRECORDED, begin, begin + RECORDED_MS):
        end = min(end, begin + RECORDED_MS)
    unheard = facts.between(UNHEARD, begin - SLACK_MS, end)
    if previous is None:
        if call["method"] == "leave":
            return "first"
        return "after " + "+".join(sorted(unheard)) if unheard else None
    if is_success(previous):
        if facts.is_answered_late(job):
            return "after a late answer"
        return "after " + "+".join(sorted(unheard)) if unheard else None
    if previous["method"] == "leave":
        if call["method"] == "leave" and is_unheard(previous):
            return None
        return f"after the answer {previous['answer']}"
    if previous["answer"] != "200":
        return f"after the answer {previous['answer']} to an album query"
    # The album was asked and said what it knows: only a member is called for again.
    if call["method"] == "leave" and not has_left:
        return "after an album query: still a member"
    return "after " + "+".join(sorted(unheard)) if unheard else None


def is_unheard(call: dict) -> bool:
    """No whole answer, or the word of somebody who gave up waiting: the album is asked before another call."""
    answer = call["answer"]
    return not answer.isdigit() or answer.startswith("2") or answer in ("408", "499", "502", "504")


def identity(facts: Facts) -> Iterator[str]:
    """Each call is a published job's, and made with that user's own token."""
    owners = {}
    for job in facts.jobs.values():
        for account, token in job.variants:
            owners.setdefault(token, set()).add(account)
    for call in facts.calls:
        if call["token"] not in owners:
            yield f"call {call['sequence']} is about an album of no job"
        elif call["account"] not in owners[call["token"]]:
            # An access token that has ended is nobody's any more.
            if call["answer"] == "401" and call["account"].startswith("at-"):
                facts.explain("call with an expired token")
            else:
                yield f"call {call['sequence']} was made as {call['account']}"


def forbidden(facts: Facts) -> Iterator[str]:
    """No call for what was cancelled, came too late, has no token, or lost its id to another job."""
    for job in facts.jobs.values():
        account, token = winner(facts, job)
        for key in job.variants:
            if key != (account, token) and key[1] != token and facts.calls_by_token.get(key[1]):
                yield f"job {job.name}: a call for the variant that was rejected"
        made = [call for call in calls_of(facts, job) if call["method"] == "leave"]
        result, _ = facts.last_result(job)
        reason = (result or {}).get("reason")
        if reason in ("cancelled", "credential_not_found", "grant_revoked") and made:
            yield f"job {job.name}: {reason}, after {len(made)} calls"
        if job.deadline is None:
            continue
        for call in made:
            if call["at"] <= job.deadline + PROMPT_MS:
                continue
            if facts.between(HELD_UP, job.deadline - SLACK_MS, call["at"]):
                facts.explain("call held up past its deadline")
            else:
                yield f"job {job.name}: a call {call['at'] - job.deadline} ms after its deadline"


def after_result(facts: Facts) -> Iterator[str]:
    """Whoever has a result is left alone."""
    for job in facts.jobs.values():
        result, first = facts.last_result(job)
        if result is None:
            continue
        for call in calls_of(facts, job):
            if call["at"] > first and not facts.between(HELD_UP, first - SLACK_MS, call["at"]):
                yield f"job {job.name}: {call['method']} {call['at'] - first} ms after its result"
