"""Of several workers on one ledger: that no two calls were made where one was due, and that what was shared was.

Only for runs that have `Terms`. What a call says of itself is its place in the simulator's journal, by the API's own
clock: when it was judged there, when it was over, and which worker's address it came from.
"""
import bisect
import collections
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from .facts import SLACK_MS, Facts, is_success
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
    worker = facts.terms.peers.get(call.get("peer"))
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
LOSSES = {"kill_daemon", "term_daemon", "stop_daemon", "drop_api", "drop_database", "database_kill", "database_restart"}
#: Around the API's note of a question: a process that is killed may have sent it before.
LOST_MS = 2_000


def _is_lost(facts: Facts, question: dict) -> bool:
    """What the album said to its worker may never have been recorded, for something struck that one, or all, just then:
    a call that was refused before is then due again, as if nobody had asked."""
    worker = facts.terms.peers.get(question.get("peer"))
    return any(fault["kind"] in LOSSES and (worker is None or fault.get("slot") in (None, worker))
               and fault["at"] - LOST_MS <= question["at"] <= fault["until"] + LOST_MS for fault in facts.faults)


def _who(facts: Facts, call: dict) -> str:
    return f"worker {facts.terms.peers.get(call.get('peer'), '?')}"


def _clock(facts: Facts, call: dict) -> str:
    """What its worker's civil clock said meanwhile, for who reads a violation."""
    worker = facts.terms.peers.get(call.get("peer"))
    for fault in facts.faults:
        if fault["kind"] == "clock_jump" and fault.get("slot") in (None, worker) \
                and fault["at"] <= call["at"] <= fault["until"] + SLACK_MS:
            return f", by a host's clock that was off by {fault['offset']} s"
    return ""


def asked(facts: Facts) -> Iterator[str]:
    """After a call that went unheard, whoever made it, the album is asked before another call; and nobody is called for
    who has left by the album's word."""
    for job, previous, call, has_left in _before(facts):
        if call["method"] != "leave" or _stop(facts, call) or _stop(facts, previous):
            continue
        if _is_in_doubt(previous):
            yield (f"job {job.name}: call {call['sequence']} by {_who(facts, call)} after {previous['answer']}, and the "
                   "album was not asked")
        elif has_left and previous["method"] == "get" and previous["answer"] == "200" and not _is_lost(facts, previous):
            yield f"job {job.name}: call {call['sequence']} by {_who(facts, call)} for a user who had left"


def lease(facts: Facts) -> Iterator[str]:
    """Nobody asks or calls for a job before the lease of the call that went unheard is over."""
    least = facts.terms.timeout + facts.terms.grace - WAY_MS
    for job, previous, call, _ in _before(facts):
        if not _is_in_doubt(previous) or _stop(facts, call) or _stop(facts, previous):
            continue
        passed = call["at"] - previous["at"]
        if passed < least:
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
            if len(running) >= facts.terms.per_account and not any(
                    _stop(facts, one) for one in (*running, call)):
                yield (f"account {account}: call {call['sequence']} by {_who(facts, call)} at {call['at']} while "
                       + " and ".join(f"call {other['sequence']} by {_who(facts, other)} ran until {_over(facts, other)}"
                                      for other in running))
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
                return refused + KNOWN_MS
    return None


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
            continue
        within = by_time[bisect.bisect_left(times, first):bisect.bisect_left(times, last)]
        for earlier, later in zip(within, within[1:]):
            if later["at"] - earlier["at"] > ROUND_GAP_MS:
                continue
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
    zone = timezone(timedelta(hours=facts.terms.day_offset))
    counts = collections.Counter()
    said = set()
    for call in sorted(facts.calls, key=lambda call: (call["at"], call["sequence"])):
        today = datetime.fromtimestamp(call["at"] / 1000, zone).date()
        counts[today] += 1
        limit = next((limit for at, limit in reversed(facts.terms.limits) if at <= call["at"]), None)
        if limit is not None and counts[today] > limit and (today, limit) not in said:
            said.add((today, limit))
            yield f"call {call['sequence']} is number {counts[today]} of {today}, whose limit is {limit}"


#: What can keep a job from its end for as long as it lasts, and who then has to find everything anew.
HINDRANCES = {"kill_daemon", "stop_daemon", "term_daemon", "drop_api", "drop_broker", "drop_database",
              "database_kill", "database_restart", "broker_kill", "broker_restart", "api_holds", "day_spent"}
#: After the end of the last lease: the question, the call, and the way of both.
AFTER_LEASE_MS = 5_000
#: For a job without an open intent, beside a worker that was killed.
AT_ONCE_MS = 2_000


def in_time(facts: Facts) -> Iterator[str]:
    """What a dead worker was calling for ends when its lease has, elsewhere; what it only had in hand ends at once.

    Judged of the jobs at the quiet end, whose workers have nothing else to do; but the machine may have, which those show
    that nothing was in the way of.
    """
    hindrances = sorted((fault["at"], fault["until"]) for fault in facts.faults if fault["kind"] in HINDRANCES)
    undisturbed, others = [], []
    for job in facts.jobs.values():
        if job.nature != "quiet" or not facts.generations(job):
            continue
        came, ended = job.first_at, facts.generations(job)[0][1]
        before = [until for at, until in hindrances if at <= ended and until >= came]
        (others if before else undisturbed).append((job, ended - max([came, *before])))
    undisturbed.sort(key=lambda one: one[1])
    busy = undisturbed[len(undisturbed) * 99 // 100][1] if undisturbed else 0
    for job, took in undisturbed:
        if took > facts.terms.lease + AFTER_LEASE_MS:
            yield f"job {job.name}: done {took} ms after it came, with nothing in its way"
    for job, took in others:
        # A claim that was open at the death is known by the question that its takeover asks.
        was_taken_over = any(call["method"] == "get" for call in calls_of(facts, job))
        most = busy + (facts.terms.lease + AFTER_LEASE_MS if was_taken_over else AT_ONCE_MS)
        if took > most:
            yield (f"job {job.name}: {'taken over and ' if was_taken_over else ''}done {took} ms after the last fault, and "
                   f"{most} ms are enough")
        else:
            facts.explain("quiet job beside a fault that " + ("was taken over" if was_taken_over else "went on at once"))
