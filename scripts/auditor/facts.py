"""What a run wrote down, in the order that the rules ask for it."""
import collections
import json
from collections.abc import Iterator

from . import expectations
from .stalls import Stalls
from .terms import Terms

#: After which the database takes nothing for a while: what a failover begins with, and others.
FAILOVERS = {"primary_killed", "standby_killed", "both_killed", "primary_cut_off", "etcd_killed", "etcd_majority_killed"}
DATABASE_AWAY = {"database_kill", "database_restart", *FAILOVERS}
BROKER_AWAY = {"broker_kill", "broker_restart", "broker_node_killed"}
#: After these an answer of the API may never have been heard, or a call be in doubt that never began.
UNHEARD = {"kill_daemon", "kill_both", "term_daemon", "stop_daemon", "silent_api", "slow_api", "cut_api", "drop_api",
           "loss_api", "ledger_readonly", "death", "late_answers", "drop_database", *DATABASE_AWAY}
#: A wait of the wire, each way, from which on the daemon's timeout of two seconds is near.
SLOW_ENOUGH = 0.9
LATE_ENOUGH_MS = 1500
#: A process that is killed may have sent what is read, and noted, a while after its death.
SLACK_MS = 2_000


class Job:
    """All that was published under one job id."""

    def __init__(self, name: str):
        self.name = name
        self.messages = []
        self.cancels = []

    @property
    def nature(self) -> str:
        return next((m["nature"] for m in self.messages if m["role"] == "job"), "ordinary")

    @property
    def ailment(self) -> expectations.Answer | None:
        """What a bad job has; None for any other."""
        name = next((m["ailment"] for m in self.messages if m.get("ailment")), None)
        return expectations.AILMENTS[name] if name else None

    @property
    def first_at(self) -> int:
        return min(m["at"] for m in self.messages)

    @property
    def deadline(self) -> int | None:
        return next((m["deadline"] for m in self.messages if "deadline" in m), None)

    @property
    def variants(self) -> dict[tuple[str, str], list[dict]]:
        """(account, token) → its messages: more than one if the id was used for different jobs."""
        found = collections.OrderedDict()
        for message in self.messages:
            found.setdefault((message["account"], message["token"]), []).append(message)
        return found

    @property
    def fault(self) -> dict | None:
        return next((m["fault"] for m in self.messages if m.get("fault")), None)


class Facts:
    """Lists of records as the journals hold them; `final` is what was found after everything had ended. `over`: when
    each call was over, `stalls`: how late a process woke that does nothing else, and `terms`, of a run of several
    workers."""

    def __init__(
        self, published: list[dict], results: list[dict], dead_letters: list[dict], calls: list[dict],
        faults: list[dict], ends: list[dict], final: dict | None, over: list[dict] = (), stalls: list[dict] = (),
        terms: Terms | None = None
    ):
        self.terms = terms
        self.stalls = Stalls(stalls)
        self.over = {record["sequence"]: record["at"] for record in over}
        self.results, self.dead_letters, self.ends, self.final = results, dead_letters, ends, final
        self.faults = faults
        self.explained = collections.Counter()
        #: Rule → of how many cases it could judge, and why it could not of others, how many.
        self.judged = collections.Counter()
        self.not_judged = collections.defaultdict(collections.Counter)
        self.messages = {}
        for record in published:
            self.messages.setdefault(record["number"], {}).update(record)
        self.jobs = {}
        for message in self.messages.values():
            if message["role"] in ("job", "copy", "conflict"):
                self._job(message["job"]).messages.append(message)
        for message in self.messages.values():
            if message["role"] == "cancel":
                self._job(message["job"]).cancels.append(message)
        self.calls = sorted((c for c in calls if c["method"] in ("leave", "get")), key=lambda c: c["sequence"])
        self.calls_by_token = collections.defaultdict(list)
        for call in self.calls:
            self.calls_by_token[call["token"]].append(call)
        self.dead_letters_by_number = collections.defaultdict(list)
        for dead_letter in dead_letters:
            self.dead_letters_by_number[dead_letter.get("number")].append(dead_letter)
        self.copies = collections.OrderedDict()
        for result in results:
            self.copies.setdefault(result["id"], []).append(result)
        self.intervals = sorted(self._intervals())

    def _job(self, name: str) -> Job:
        return self.jobs.setdefault(name, Job(name))

    def _intervals(self) -> Iterator[tuple[int, int, str]]:
        """(begin, end, kind) of all that can explain something."""
        for fault in self.faults:
            kind = fault["kind"]
            if kind == "slow_api" and fault.get("delay", 0) < SLOW_ENOUGH:
                kind = "slow_api_a_little"
            yield fault["at"], fault["until"], kind
            actions = (fault.get("fault") or {}).get("actions", [])
            if any(a.get("fault") == "delay" and a["milliseconds"] >= LATE_ENOUGH_MS for a in actions):
                yield fault["at"], fault["until"] + SLACK_MS, "late_answers"
        for end in self.ends:
            if end["event"] == "end":
                yield end["at"], end["at"], "death"

    def between(self, kinds: set[str], begin: int, end: int) -> set[str]:
        """The kinds of `kinds` that fell between two times; a fault is still felt a little after it ended."""
        return {kind for first, last, kind in self.intervals
                if kind in kinds and first <= end and last + SLACK_MS >= begin}

    def is_answered_late(self, job: Job) -> bool:
        """The API answers this job's first call later than the daemon waits."""
        actions = (job.fault or {}).get("actions", []) if job else []
        return any(a.get("fault") == "delay" and a["milliseconds"] >= LATE_ENOUGH_MS for a in actions)

    def explain(self, kind: str) -> None:
        self.explained[kind] += 1

    def worker_of(self, call: dict) -> str | None:
        """By the address that the API saw; None where all workers have one."""
        return self.terms.peers.get(call.get("peer")) if self.terms else None

    def generations(self, job: Job) -> dict[int, tuple[dict, int]]:
        """Generation → decoded result, its first arrival beside it."""
        found = {}
        prefix = job.name + "#"
        generation = 0
        while f"{prefix}{generation}" in self.copies:
            copies = self.copies[f"{prefix}{generation}"]
            found[generation] = (decode(copies[0]["body"]), min(copy["at"] for copy in copies))
            generation += 1
        return found

    def was_redriven(self, job: Job, generation: int) -> bool:
        """An operator redrove dead letters between the failure of a generation and the next one's result."""
        generations = self.generations(job)
        if generation not in generations or generation + 1 not in generations:
            return False
        (failed, begin), (_, end) = generations[generation], generations[generation + 1]
        return failed.get("outcome") == "failed" and bool(self.between({"redrive"}, begin, end))

    def was_purged_unknown(self, job: Job) -> bool:
        """It may have been in a queue that was purged, and the ledger had not heard of it: it was not called."""
        was_called = any(self.calls_by_token[message["token"]] for message in job.messages)
        return not was_called and any(
            fault["kind"] == "purge_delays" and fault["until"] >= job.first_at for fault in self.faults)

    @property
    def purged_messages(self) -> int:
        """At most: a purge that was cut off may have taken what lay in its queue."""
        return sum(
            fault.get("messages", 0) + fault.get("perhaps", 0)
            for fault in self.faults if fault["kind"] == "purge_delays")

    @property
    def lost_jobs(self) -> int:
        return sum(decode(copies[0]["body"]).get("reason") == "job_lost" for copies in self.copies.values())

    def last_result(self, job: Job) -> tuple[dict, int] | tuple[None, None]:
        generations = self.generations(job)
        return generations[max(generations)] if generations else (None, None)

    def counts(self) -> dict:
        outcomes = collections.Counter()
        for copies in self.copies.values():
            body = decode(copies[0]["body"])
            outcomes["/".join(filter(None, [body.get("outcome", "?"), body.get("reason")]))] += 1
        bad = collections.Counter(
            f"row {job.ailment.row}" for job in self.jobs.values() if job.ailment is not None)
        return {"badJobs": dict(bad),
                "jobs": len(self.jobs), "messages": len(self.messages), "results": len(self.copies),
                "copies": len(self.results), "deadLetters": len(self.dead_letters), "calls": len(self.calls),
                "outcomes": dict(outcomes), "deaths": sum(1 for end in self.ends if end.get("status") == -9)}


def decode(body: str) -> dict:
    """A result's body; what is no object is an empty one, which no rule is content with."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_success(call: dict) -> bool:
    """A complete answer that says yes to a call which did what it says."""
    return call["method"] == "leave" and call["answer"] in ("200", "204") and call["effect"] == "left"
