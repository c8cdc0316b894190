"""Of several workers on one ledger: each question to an album has a cause of its own, by what the stage did and by what
the API noted; whose worker a cause befell counts, where the API could tell workers apart."""
import collections
from collections.abc import Iterator

from .facts import BROKER_AWAY, DATABASE_AWAY, SLACK_MS, Facts, Job, is_success
from .rules_calls import is_unheard
from .rules_messages import calls_of

#: What ends a worker, or keeps its claims and records from the ledger.
LOSSES = {"kill_daemon", "term_daemon", "stop_daemon", "drop_database", *DATABASE_AWAY}
#: What keeps an answer from who called.
DEAFNESS = {"drop_api"}
#: What takes a job away from its worker, or stops that one's calls, though nothing of it is lost.
TAKEN_AWAY = {"drop_broker", *BROKER_AWAY, "api_holds", "day_spent"}
#: From an answer at the API to its record.
RECORDED_MS = 1_000
#: And as much later as the machine stood still meanwhile, within this.
LONGEST_STALL_MS = 15_000
#: Answers to a call that say what a question may explain, or after which nobody knows what came of it. All others that
#: are heard are followed by a call, or by none.
ASKING = {"400", "404", "409"}
#: Answers to a question that are an album's word, if only that it cannot tell.
WORDS = {"200", "400", "404", "410", "414"}
#: Failures in a row after which a worker holds by itself.
FAILURES_TO_HOLD = 5
#: Two workers that have deliveries of one job at once ask one right after the other.
AT_ONCE_MS = 2_000
#: How many calls are allotted to a worker at a time at most, and for how long those of a dead one stay lost.
BLOCK, SETTLED_MS = 50, 40_000


def questions(facts: Facts) -> Iterator[str]:
    """Nobody asks an album for nothing: after a call that went unheard, a refusal that the album explains, a claim or an
    answer that a strike took away, or a question whose job had to be given back."""
    for job in facts.jobs.values():
        earlier: list[dict] = []
        has_left = job.nature == "not_member"
        for call in calls_of(facts, job):
            if call["method"] == "get":
                cause = _cause(facts, job, earlier, call, has_left)
                if cause is None:
                    yield (f"job {job.name} ({job.nature}): question {call['sequence']} by {facts.worker_of(call) or '?'} "
                           + _after(facts, earlier, call))
                else:
                    facts.explain(f"question {cause}")
            has_left = has_left or call["effect"] == "left"
            earlier.append(call)


def _after(facts: Facts, earlier: list[dict], call: dict) -> str:
    if not earlier:
        return "before any call of it"
    last = earlier[-1]
    return (f"{call['at'] - last['at']} ms after {last['method']} {last['answer']} ({last['effect']}) by "
            f"{facts.worker_of(last) or '?'}")


def _cause(facts: Facts, job: Job, earlier: list[dict], call: dict, has_left: bool) -> str | None:
    if not earlier:
        # Claimed and never sent: as far as the ledger knows it may have been.
        struck = _strikes(facts, None, LOSSES, job.first_at, call["at"])
        if not struck and _stood_still(facts, job.first_at, call["at"]):
            struck = "the machine stood still"
        return struck and f"after a claim that came to nothing: {struck}"
    last = earlier[-1]
    over = facts.over.get(last["sequence"], last["at"] + (facts.terms.timeout if facts.terms else 0))
    if last["method"] == "leave":
        if is_success(last):
            return _unrecorded(facts, job, last, over, "an answer that its worker did not hear or record")
        if is_unheard(last):
            return "after a call that went unheard"
        if last["answer"] in ASKING or last["answer"].startswith("5"):
            return f"after the answer {last['answer']}"
        # What is in doubt once is so for every attempt after it: the album is asked before each.
        if any(is_unheard(one) or one["answer"].startswith("5") for one in earlier if one["method"] == "leave"):
            return "after an earlier call that is in doubt"
        if earlier[0]["method"] == "get":
            return "after an earlier claim that is in doubt"
        return None
    if last["answer"] not in WORDS:
        return "after a question that was not answered"
    if has_left:
        return _unrecorded(facts, job, last, over, "the album's word that its worker did not record")
    return _given_back(facts, job, last, over, call)


def _unrecorded(facts: Facts, job: Job, last: dict, over: int, what: str) -> str | None:
    if last["method"] == "leave" and facts.is_answered_late(job):
        return f"after {what}: it came late"
    until = over + RECORDED_MS + facts.stalls.lost_at_most(over, over + LONGEST_STALL_MS)
    struck = _strikes(facts, facts.worker_of(last), LOSSES | DEAFNESS, last["at"], until)
    if not struck and _stood_still(facts, last["at"], until):
        struck = "the machine stood still"
    return struck and f"after {what}: {struck}"


def _given_back(facts: Facts, job: Job, last: dict, over: int, call: dict) -> str | None:
    """Why the job did not stay with whom the album told that a call is due: what was said went with it."""
    struck = _strikes(facts, facts.worker_of(last), LOSSES | DEAFNESS | TAKEN_AWAY, last["at"], call["at"])
    if not struck and _is_elsewhere_too(facts, job, last, call):
        struck = "another worker had another delivery of it"
    if not struck and _is_nearly_spent(facts, over):
        struck = "what was left of the day was allotted to others"
    if not struck and _is_others_account(facts, last, over):
        struck = "another worker was calling for its account"
    if not struck and fails_in_a_row(facts, last["at"], call["at"]):
        struck = "calls failed in a row"
    if not struck and _stood_still(facts, last["at"], call["at"]):
        struck = "the machine stood still"
    return struck and f"of a job that was given back before its call: {struck}"


def _is_elsewhere_too(facts: Facts, job: Job, last: dict, call: dict) -> bool:
    """A question's lease ends with it, and another worker may have the next, if there is another delivery: the job was
    published more than once, or who had it was struck, whose own is given out again."""
    worker, other = facts.worker_of(last), facts.worker_of(call)
    if worker is None or worker == other or call["at"] - last["at"] > AT_ONCE_MS:
        return False
    return len(job.messages) > 1 or _strikes(facts, other, LOSSES | {"drop_broker"}, job.first_at, call["at"]) is not None


def _strikes(facts: Facts, worker: str | None, kinds: set[str], begin: int, end: int) -> str | None:
    """The kinds that befell this worker, or all, between two times; None if none did. What is felt, is a little later."""
    found = {fault["kind"] for fault in facts.faults if fault["kind"] in kinds
             and (worker is None or fault.get("slot") in (None, worker))
             and fault["at"] <= end and fault["until"] + SLACK_MS >= begin}
    return "+".join(sorted(found)) or None


def _stood_still(facts: Facts, begin: int, end: int) -> bool:
    """For a whole send window: claims came to nothing, and calls were late for theirs."""
    return facts.stalls.lost_at_most(begin, end) >= facts.terms.send_window


def _is_others_account(facts: Facts, last: dict, over: int) -> bool:
    """A question needs no place of the account's and the call after it does, which another worker may have taken
    meanwhile: it has it from its claim, within the send window of its call, to the record of its answer."""
    worker = facts.worker_of(last)
    for call in facts.calls:
        if call["method"] != "leave" or call["account"] != last["account"] or call["token"] == last["token"]:
            continue
        # Where workers cannot be told apart, it may have been another.
        if worker is not None and facts.worker_of(call) == worker:
            continue
        ended = facts.over.get(call["sequence"], call["at"] + facts.terms.timeout) + RECORDED_MS
        if call["at"] - facts.terms.send_window <= over + SLACK_MS and last["at"] <= ended:
            return True
    return False


def _is_nearly_spent(facts: Facts, at: int) -> bool:
    """No more is left of the day than may be allotted to others, of whom some may be dead."""
    limit = facts.terms.limit_at(at)
    if limit is None:
        return False
    today = facts.terms.day_of(at)
    left = limit - sum(1 for call in facts.calls if call["at"] <= at and facts.terms.day_of(call["at"]) == today)
    dead = sum(1 for end in facts.ends if end["event"] == "end" and at - SETTLED_MS <= end["at"] <= at)
    return left <= BLOCK * (len({end["slot"] for end in facts.ends}) + dead)


def fails_in_a_row(facts: Facts, begin: int, end: int) -> bool:
    """A worker met so many failures, with no success between, that it stops calling by itself."""
    row: collections.Counter = collections.Counter()
    for call in facts.calls:
        if begin <= call["at"] <= end:
            worker = facts.worker_of(call)
            failed = not call["answer"].isdigit() or call["answer"].startswith("5") or call["answer"] == "408"
            row[worker] = row[worker] + 1 if failed else 0
            if row[worker] >= FAILURES_TO_HOLD:
                return True
    return False
