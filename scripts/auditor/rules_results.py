"""Of every result: that it is one, that it does not contradict itself, and that it says what happened."""
from collections.abc import Iterator

from .expectations import TOKENLESS
from .facts import BROKER_AWAY, UNHEARD, Facts, Job, decode, is_success
from .reasons import FROM_API, REASONS, REJECTIONS, UNKNOWN
from .rules_messages import calls_of

#: Reasons that a job of this nature may end with though nothing went wrong.
OF_NATURE = {"owner": {"album_owner"}, "unknown_album": {"share_token_invalid"}, "late": {"deadline_exceeded"},
             "deadline": {"deadline_exceeded"}, "expiring": {"expired"}, "poison": {"poison"},
             **{name: {reason} for name, reason in TOKENLESS.items()}}
#: Ten deliveries before it is set apart, then two alone, twice.
DEATHS_TO_POISON = 14
DELIVERIES_LOST = {"death", "close_connections", *BROKER_AWAY, "silent_broker", "cut_broker",
                   "stop_daemon", "slow_broker", "drop_broker", "loss_broker"}


def one_body(facts: Facts) -> Iterator[str]:
    """Copies of a result are the same bytes."""
    for name, copies in facts.copies.items():
        bodies = {copy["body"] for copy in copies}
        if len(bodies) > 1:
            yield f"result {name} has {len(bodies)} bodies: {sorted(bodies)[:2]}"


def one_result(facts: Facts) -> Iterator[str]:
    """A message-id says the job and the generation that the body is about, and no generation is made up."""
    for name, copies in facts.copies.items():
        if name is None:
            yield "a result has no message-id"
            continue
        result = decode(copies[0]["body"])
        if name.startswith("rejected:"):
            if result.get("outcome") != "rejected":
                yield f"result {name} is {result.get('outcome')}"
            continue
        if name != f"{result.get('jobId')}#{result.get('generation')}":
            yield f"result {name} is about {result.get('jobId')}, generation {result.get('generation')}"
        elif result["generation"] != 0 and not (
                name.rpartition("#")[0] in facts.jobs
                and facts.was_redriven(facts.jobs[name.rpartition("#")[0]], result["generation"] - 1)):
            yield f"result {name} is of a generation that nobody asked for"
        for copy in copies:
            if not copy["persistent"] or copy["type"] != "leave-album.result.v1":
                yield f"result {name}: persistent {copy['persistent']}, type {copy['type']}"
            if copy["key"] != f"leave.{result.get('outcome')}":
                yield f"result {name} came with key {copy['key']}"


def coherent(facts: Facts) -> Iterator[str]:
    """Outcome, effect, reason and next agree with each other."""
    for name, copies in facts.copies.items():
        problem = _incoherence(decode(copies[0]["body"]))
        if problem:
            yield f"result {name}: {problem}"


def _incoherence(result: dict) -> str | None:
    outcome, effect, reason = result.get("outcome"), result.get("effect"), result.get("reason")
    if outcome in ("left", "already_left"):
        return None if effect == "left" and reason is None else f"{outcome} with effect {effect}, reason {reason}"
    if outcome not in ("failed", "rejected"):
        return f"outcome {outcome}"
    if reason not in REASONS:
        return f"reason {reason}"
    if (outcome == "rejected") != (reason in REJECTIONS):
        return f"{outcome} because of {reason}"
    if outcome == "rejected" and effect != "not_left":
        return f"rejected with effect {effect}"
    if effect not in ("left", "not_left", "unknown"):
        return f"effect {effect}"
    if result.get("next") != REASONS[reason].next:
        return f"{reason} with next {result.get('next')}"
    return None


def reasons(facts: Facts) -> Iterator[str]:
    """No job fails for nothing."""
    for job in facts.jobs.values():
        for generation, (result, at) in facts.generations(job).items():
            reason = result.get("reason")
            if reason is None:
                continue
            problem = _unexplained(facts, job, reason, at)
            if problem:
                yield f"job {job.name}#{generation} ({job.nature}) failed with {reason}: {problem}"
    if facts.lost_jobs > facts.purged_messages:
        yield f"{facts.lost_jobs} jobs are job_lost, and only {facts.purged_messages} messages were purged"


def _unexplained(facts: Facts, job: Job, reason: str, at: int) -> str | None:
    """Why nothing explains the reason; None if something does."""
    if reason in OF_NATURE.get(job.nature, ()):
        return None
    if job.ailment is not None and reason == "deadline_exceeded":
        return None if job.deadline is not None else "it has no deadline"
    if reason == "cancelled":
        return None if job.cancels else "nobody cancelled it"
    if reason == "job_lost":
        if not facts.between({"purge_delays"}, job.first_at, at):
            return "no retry queue was purged in its life"
        facts.explain("job_lost after a purge")
        return None
    if reason == "poison":
        losses = sum(1 for first, last, kind in facts.intervals
                     if kind in DELIVERIES_LOST and job.first_at - 2_000 <= last and first <= at)
        if losses < DEATHS_TO_POISON:
            return f"it lived through {losses} losses only"
        facts.explain("poison after many losses")
        return None
    if reason in FROM_API:
        if any(not is_success(call) and (call["method"] == "leave" or call["answer"] != "200")
               for call in calls_of(facts, job)):
            facts.explain(f"{reason} by an answer of the API")
            return None
        # Of an album query that was answered with nonsense the journal says 200.
        if reason == "response_malformed" and facts.between({"api_rows"}, job.first_at, at):
            facts.explain("response_malformed while the API gave answers of every row")
            return None
        if reason == "attempts_exhausted" and facts.between(UNHEARD, job.first_at, at):
            facts.explain("attempts_exhausted by what was not heard")
            return None
        return "the API refused none of its calls"
    return "nothing of that kind happened"


def effects(facts: Facts) -> Iterator[str]:
    """The user has left if the result says so, and has not if it says that."""
    for job in facts.jobs.values():
        result, _ = facts.last_result(job)
        if result is None:
            continue
        left = sum(1 for call in calls_of(facts, job) if call["effect"] == "left")
        said = result.get("effect")
        if left > 1:
            yield f"job {job.name}: the user left {left} times"
        if said == "left" and left == 0 and job.nature != "not_member":
            yield f"job {job.name}: {result.get('outcome')}, and the user never left"
        if said == "not_left" and left > 0:
            yield f"job {job.name}: not_left ({result.get('reason')}), and the user has left"
        if result.get("outcome") == "left" and left == 0:
            yield f"job {job.name}: left without an effect"


def ambiguity(facts: Facts) -> Iterator[str]:
    """Nobody says 'unknown' who could know."""
    for job in facts.jobs.values():
        for generation, (result, at) in facts.generations(job).items():
            if result.get("effect") != "unknown" or result.get("reason") in UNKNOWN:
                continue
            if any(not is_success(call) for call in calls_of(facts, job) if call["method"] == "leave"):
                facts.explain("unknown after an answer of the API")
            elif facts.between(UNHEARD, job.first_at, at) or facts.is_answered_late(job):
                facts.explain("unknown after a fault")
            else:
                yield f"job {job.name}#{generation}: unknown ({result.get('reason')}), and nothing made it so"
