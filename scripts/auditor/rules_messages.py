"""Of every message, that something became of it; and of every result and dead letter, that a message was its cause."""
from collections.abc import Iterator, Sequence

from .facts import Facts, Job, decode


def rejection_id(message: dict, reason: str) -> str:
    return f"rejected:{message['sha256'][:32]}:{reason}"


def was_rejected(facts: Facts, message: dict, reason: str) -> bool:
    """Its result came, or its dead letter did and the result went with its queue: the ledger knows nothing of a
    rejection, so that it cannot be published again."""
    if rejection_id(message, reason) in facts.copies:
        return True
    return any(dead_letter["own"].get("reason") == reason
               and facts.between({"delete_results"}, dead_letter["at"] - NEAR_MS, dead_letter["at"] + NEAR_MS)
               for dead_letter in facts.dead_letters_by_number.get(str(message["number"]), ()))


#: Between the result and the dead letter of a message, on a machine that is busy.
NEAR_MS = 3_000


def accounted(facts: Facts) -> Iterator[str]:
    """Each confirmed message has its result."""
    for message in facts.messages.values():
        if "confirmed" not in message:
            yield f"message {message['number']} was never confirmed: the run is not whole"
        elif message["role"] == "bad":
            if not was_rejected(facts, message, message["expect"]):
                yield f"bad message {message['number']} has no result for {message['expect']}"
    gone = []
    for job in facts.jobs.values():
        if job.messages and f"{job.name}#0" not in facts.copies:
            if facts.was_purged_unknown(job):
                gone.append(job)
            else:
                yield f"job {job.name} ({job.nature}) has no result"
    # Each job that is gone was one of the messages in the queues that were purged.
    purged = facts.purged_messages - facts.lost_jobs
    for job in gone[:purged]:
        facts.explain("job gone with a purged queue before its first call")
    for job in gone[max(0, purged):]:
        yield f"job {job.name} ({job.nature}) has no result, and only {purged} messages were purged"


def conflicts(facts: Facts) -> Iterator[str]:
    """Of several jobs with one id one is done, and each message of the others is rejected."""
    for job in facts.jobs.values():
        variants = job.variants
        losers = [key for key, messages in variants.items()
                  if any(was_rejected(facts, m, "job_id_conflict") for m in messages)]
        if len(losers) != max(0, len(variants) - 1):
            yield f"job {job.name}: of {len(variants)} variants {len(losers)} are rejected"
            continue
        for key in losers:
            for message in variants[key]:
                if not was_rejected(facts, message, "job_id_conflict"):
                    yield f"job {job.name}: message {message['number']} is neither done nor rejected"


def winner(facts: Facts, job: Job) -> tuple[str, str] | tuple[None, None]:
    """(account, token) that the job's results are about."""
    for key, messages in job.variants.items():
        if not any(was_rejected(facts, m, "job_id_conflict") for m in messages):
            return key
    return None, None


def calls_of(facts: Facts, job: Job) -> Sequence[dict]:
    """The calls that the job's results are about."""
    return facts.calls_by_token.get(winner(facts, job)[1], ())


def strangers(facts: Facts) -> Iterator[str]:
    """No result without a message."""
    known = set()
    for message in facts.messages.values():
        if message["role"] == "bad":
            known.add(rejection_id(message, message["expect"]))
        elif message["role"] in ("job", "copy", "conflict"):
            known.add(rejection_id(message, "job_id_conflict"))
    for name in facts.copies:
        job, _, generation = (name or "").rpartition("#")
        if name in known or (job in facts.jobs and facts.jobs[job].messages and generation.isdecimal()):
            continue
        yield f"result {name} belongs to no message"


def dead_letters(facts: Facts) -> Iterator[str]:
    """Each dead letter is of a failed or rejected result, with the message as it came; each such result has one."""
    told = set()
    for dead_letter in facts.dead_letters:
        number = dead_letter.get("number")
        message = facts.messages.get(int(number)) if number is not None else None
        if message is None:
            yield f"a dead letter ({dead_letter['own'].get('reason')}) belongs to no message"
            continue
        reason = dead_letter["own"].get("reason")
        # One that a person looked at is laid down anew, straight into its queue.
        if dead_letter["key"] != reason and "browsed" not in dead_letter["own"]:
            yield f"dead letter of message {number}: routing key {dead_letter['key']}, reason {reason}"
        if dead_letter["foreign"]:
            yield f"dead letter of message {number} carries the broker's headers {dead_letter['foreign']}"
        if dead_letter["own"].get("body-sha256", dead_letter["sha256"]) != message["sha256"]:
            yield f"dead letter of message {number} is not the message that came"
        if message["role"] == "bad" or reason == "job_id_conflict":
            name = rejection_id(message, reason)
            if name not in facts.copies and was_rejected(facts, message, reason):
                facts.explain("rejection gone with the deleted results")
                continue
        else:
            name = f"{message.get('job')}#{dead_letter['own'].get('generation', 0)}"
        told.add(name)
        result = decode(facts.copies[name][0]["body"]) if name in facts.copies else {}
        if result.get("reason") != reason:
            yield f"dead letter of message {number} says {reason}, result {name} says {result.get('reason')}"
    for name, copies in facts.copies.items():
        result = decode(copies[0]["body"])
        if result.get("outcome") not in ("failed", "rejected") or name in told:
            continue
        # The ledger has no body to make a dead letter of.
        if result.get("reason") == "job_lost":
            continue
        job, _, generation = name.rpartition("#")
        if job in facts.jobs and facts.was_redriven(facts.jobs[job], int(generation)):
            facts.explain("dead letter that was redriven")
            continue
        first, last = min(c["at"] for c in copies), max(c["at"] for c in copies)
        if facts.between({"delete_dead"}, first - 8_000, last + 8_000):
            facts.explain("dead letter gone with the deleted queue")
        else:
            yield f"result {name} ({result.get('reason')}) has no dead letter"
