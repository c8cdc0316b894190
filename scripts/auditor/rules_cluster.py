"""Of several workers on one ledger: that no two calls were made where one was due, and that what was shared was.

Only for runs that have `Terms`. What a call says of itself is its place in the simulator's journal, by the API's own
clock: when it was judged there, when it was over, and which worker's address it came from.
"""
import bisect
import collections
from collections.abc import Iterator

from .facts import DATABASE_AWAY, SLACK_MS, Facts, is_success
from .rules_calls import is_unheard
from .rules_messages import calls_of

#: From the gate to the API's note of the call, on a machine that is busy.
WAY_MS = 300
#: From SIGCONT to the call of a process that was stopped between its gate and the first byte.
RESUMED_MS = 1_000
#: So many stops may each find one process just there; the gate leaves microseconds for it.
STOPS_PER_LATE_CALL = 50


def _before(facts: Facts) -> Iterator[tuple]:
    """(job, the call before, the call, whether the user had left by then), for each call but a job's first."""
    for job in facts.jobs.values():
        previous, has_left = None, job.nature == "not_member"
        for call in calls_of(facts, job):
            if previous is not None:
                yield job, previous, call, has_left
            has_left = has_left or call["effect"] == "left"
            previous = call


def _is_in_doubt(call: dict) -> bool:
    """A call after which nobody may call again without asking: it went unheard, or it was a success that nobody
    recorded, or there would be no other call."""
    return call["method"] == "leave" and (is_unheard(call) or is_success(call))


def _stop(facts: Facts, call: dict) -> dict | None:
    """The SIGSTOP of its worker that held this call up between the gate and the first byte, if one did."""
    worker = facts.worker_of(call)
    return next((fault for fault in facts.faults if fault["kind"] == "stop_daemon"
                 and (worker is None or fault.get("slot") in (None, worker))
                 and fault["until"] - WAY_MS <= call["at"] <= fault["until"] + RESUMED_MS), None)


def unjudged(facts: Facts) -> Iterator[str]:
    """What cannot be said of a run whose workers have one address."""
    if facts.terms.peers:
        return
    yield "whose a call was: every worker has one address"
    if any(fault["kind"] == "api_holds" for fault in facts.faults):
        yield "probes: only that no two were under way at a time, not that one worker made them"
    if any(fault["kind"] == "stop_daemon" for fault in facts.faults):
        yield "asked, lease, overlaps: nothing of calls just after a stop, which may be the stopped worker's"


#: What keeps the album's word from the ledger.
LOSSES = {"kill_daemon", "term_daemon", "stop_daemon", "drop_api", "drop_database", *DATABASE_AWAY}
#: Around the API's note of a question: a process that is killed may have sent it before.
LOST_MS = 2_000


def _is_lost(facts: Facts, question: dict) -> bool:
    """What the album said to its worker may never have been recorded, for something struck that one, or all, just then:
    a call that was refused before is then due again, as if nobody had asked."""
    worker = facts.worker_of(question)
    return any(fault["kind"] in LOSSES and (worker is None or fault.get("slot") in (None, worker))
               and fault["at"] - LOST_MS <= question["at"] <= fault["until"] + LOST_MS for fault in facts.faults)


def _who(facts: Facts, call: dict) -> str:
    return f"worker {facts.worker_of(call) or '?'}"


def _clock(facts: Facts, call: dict) -> str:
    """What its worker's civil clock said meanwhile, for who reads a violation."""
    worker = facts.worker_of(call)
    for fault in facts.faults:
        if fault["kind"] == "clock_jump" and fault.get("slot") in (None, worker) \
                and fault["at"] <= call["at"] <= fault["until"] + SLACK_MS:
            return f", by a host's clock that was off by {fault['offset']} s"
    return ""


#: Of calls that may be a stopped worker's own, sent under a lease that was over: `gate` counts those.
AFTER_STOP = "it came just after a stop"


def _is_judged(facts: Facts, rule: str, *calls: dict) -> bool:
    if any(_stop(facts, call) for call in calls):
        facts.not_judged[rule][AFTER_STOP] += 1
        return False
    facts.judged[rule] += 1
    return True


def asked(facts: Facts) -> Iterator[str]:
    """After a call that went unheard, whoever made it, the album is asked before another call; and nobody is called for
    who has left by the album's word."""
    for job, previous, call, has_left in _before(facts):
        if call["method"] != "leave" or not _is_judged(facts, "asked", previous, call):
            continue
        if _is_in_doubt(previous):
            yield (f"job {job.name}: call {call['sequence']} by {_who(facts, call)} after {previous['answer']}, and the "
                   "album was not asked")
        elif has_left and previous["method"] == "get" and previous["answer"] == "200":
            if _is_lost(facts, previous):
                facts.explain("call for a user who had left, by an album's word that a strike took")
            else:
                yield f"job {job.name}: call {call['sequence']} by {_who(facts, call)} for a user who had left"


def lease(facts: Facts) -> Iterator[str]:
    """Nobody asks or calls for a job before the lease of the call that went unheard is over."""
    for job, previous, call, _ in _before(facts):
        if not _is_in_doubt(previous) or not _is_judged(facts, "lease", previous, call):
            continue
        passed = call["at"] - previous["at"]
        # What stood still between the gate and the API's note made the note late, and not the gate.
        held_up = facts.stalls.lost_at_most(previous["at"] - facts.terms.send_window, previous["at"])
        if passed < facts.terms.timeout + facts.terms.grace - WAY_MS - held_up:
            yield (f"job {job.name}: {call['method']} {call['sequence']} by {_who(facts, call)} {passed} ms after a call "
                   f"of {_who(facts, previous)} whose lease had still to run{_clock(facts, call)}")


def overlaps(facts: Facts) -> Iterator[str]:
    """No more calls of one account at a time than it may have, by the API's clock."""
    by_account = collections.defaultdict(list)
    for call in facts.calls:
        if call["method"] == "leave":
            by_account[call["account"]].append(call)
    for account, calls in by_account.items():
        running: list[dict] = []
        for call in sorted(calls, key=lambda call: (call["at"], call["sequence"])):
            running = [other for other in running if _over(facts, other) > call["at"]]
            if len(running) >= facts.terms.per_account and _is_judged(facts, "overlaps", *running, call):
                yield (f"account {account}: call {call['sequence']} by {_who(facts, call)} at {call['at']} while "
                       + " and ".join(f"call {other['sequence']} by {_who(facts, other)} ran until {_over(facts, other)}"
                                      for other in running))
            else:
                facts.judged["overlaps"] += 1
            running.append(call)


def _over(facts: Facts, call: dict) -> float:
    """When it was over; a call of which that was not noted ran until the end of the run."""
    return facts.over.get(call["sequence"], float("inf"))


def gate(facts: Facts) -> Iterator[str]:
    """A worker that was stopped sends nothing under a lease that is over: its gate is behind everything that takes
    time. One call may slip through in very many stops, two of one stop never."""
    late = collections.defaultdict(list)
    for job, previous, call, has_left in _before(facts):
        if call["method"] != "leave":
            continue
        wrong = _is_in_doubt(previous) or has_left and previous["method"] == "get"
        for one in (call, previous) if wrong else ():
            stop = _stop(facts, one)
            if stop is not None:
                late[stop["at"]].append((job.name, one["sequence"]))
                facts.explain("call of a worker that was stopped between its gate and the first byte")
                break
    for at, found in late.items():
        if len(found) > 1:
            yield f"{len(found)} calls were sent after the stop at {at}, under leases that were over: {found[:4]}"
    stops = sum(1 for fault in facts.faults if fault["kind"] == "stop_daemon")
    total = sum(map(len, late.values()))
    if total > 1 + stops // STOPS_PER_LATE_CALL:
        yield f"{total} calls in {stops} stops were sent under leases that were over"


#: What everybody is answered, and of how many accounts that shows that it is not one job's own.
REFUSALS = {"403", "404"}
ACCOUNTS_TO_HOLD = 2
#: From these refusals until every worker knows of the hold and what was under way is over.
KNOWN_MS = 3_000
#: From the end of a stop until a worker has heard of a hold that others met meanwhile: it looks each second.
HEARD_MS = 1_500
#: Longest wait between two probes of one round; rounds, and turns of two members, are further apart.
ROUND_GAP_MS = 2_500


def _held_since(facts: Facts, calls: list[dict]) -> float | None:
    """From when on everybody knows of a hold that these calls, of which every one to leave is refused, must have led to;
    None if they are too few for one, as when a day is spent."""
    accounts, refused = set(), None
    for call in calls:
        if call["method"] == "leave" and call["answer"] in REFUSALS:
            accounts.add(call["account"])
            refused = _over(facts, call)
            if len(accounts) == ACCOUNTS_TO_HOLD:
                return refused + KNOWN_MS + facts.stalls.lost_at_most(refused, refused + KNOWN_MS)
    return None


def _has_not_heard(facts: Facts, call: dict, since: float) -> bool:
    """Its worker was stopped before everybody knew, and has gone on for no longer than it may take to hear of it."""
    worker = facts.worker_of(call)
    return worker is not None and any(
        fault["kind"] == "stop_daemon" and fault.get("slot") == worker and fault["at"] <= since
        and fault["until"] - WAY_MS <= call["at"]
        <= fault["until"] + HEARD_MS + facts.stalls.lost_at_most(fault["until"], fault["until"] + HEARD_MS)
        for fault in facts.faults)


def probes(facts: Facts) -> Iterator[str]:
    """While the API refuses everybody, one worker probes at a time, one job after the other."""
    by_time = sorted(facts.calls, key=lambda call: call["at"])
    times = [call["at"] for call in by_time]
    for fault in facts.faults:
        if fault["kind"] != "api_holds":
            continue
        last = fault.get("mended", fault["until"])
        first = _held_since(facts, by_time[bisect.bisect_left(times, fault["at"]):bisect.bisect_left(times, last)])
        if first is None:
            facts.not_judged["probes"]["two accounts were not refused"] += 1
            continue
        all_within = by_time[bisect.bisect_left(times, first):bisect.bisect_left(times, last)]
        within = [call for call in all_within if not _has_not_heard(facts, call, first)]
        if len(within) < len(all_within):
            facts.explained["call of a worker that was stopped as a hold began"] += len(all_within) - len(within)
        pairs = [(earlier, later) for earlier, later in zip(within, within[1:])
                 if later["at"] - earlier["at"] <= ROUND_GAP_MS]
        if len(within) > 1:
            facts.judged["probes"] += 1
        else:
            facts.not_judged["probes"]["there were no two probes of it"] += 1
        for earlier, later in pairs:
            if earlier.get("peer") != later.get("peer"):
                yield (f"hold of {fault['at']}: {_who(facts, earlier)} and {_who(facts, later)} probed "
                       f"{later['at'] - earlier['at']} ms apart, calls {earlier['sequence']} and {later['sequence']}")
            elif later["token"] != earlier["token"] and later["at"] < _over(facts, earlier):
                yield (f"hold of {fault['at']}: {_who(facts, later)} probed with two jobs at a time, calls "
                       f"{earlier['sequence']} and {later['sequence']}")
        facts.explained["call while a hold stood"] += len(within)


def day(facts: Facts) -> Iterator[str]:
    """Calls and questions of a day are never more than its limit, at any moment of it."""
    if not facts.terms.limits:
        return
    counts = collections.Counter()
    said = set()
    for call in sorted(facts.calls, key=lambda call: (call["at"], call["sequence"])):
        today = facts.terms.day_of(call["at"])
        counts[today] += 1
        limit = facts.terms.limit_at(call["at"])
        if limit is not None and counts[today] > limit and (today, limit) not in said:
            said.add((today, limit))
            yield f"call {call['sequence']} is number {counts[today]} of {today}, whose limit is {limit}"
