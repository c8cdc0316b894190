"""The messages of a run, made from its seed alone: the same seed gives the same jobs."""
import json
import random as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from auditor.expectations import AILMENTS, TOKENLESS

from ..schedule import Fault
from . import accounts, badinput
from .message import Message

#: Part of the run's length in which jobs come; the rest is for what they still wait for.
FLOW = 0.85

#: Of a thousand jobs, how many are of each nature; the rest is ordinary.
NATURES = {
    "owner": 6, "not_member": 8, "unknown_album": 6, "nobody": 4, "revoked": 3, "blocked": 3, "narrow": 3,
    "late": 8, "deadline": 15, "expiring": 3, "flaky": 25, "unheard": 25,
}
DUPLICATES, CONFLICTS, BAD, CANCELS = 80, 10, 25, 20

#: What goes wrong with a single job's calls; the API is in order otherwise.
FLAKY = [
    {"count": 1, "actions": [{"wording": "unavailable"}]}, {"count": 2, "actions": [{"wording": "aborted"}]},
    {"count": 2, "actions": [{"wording": "internal"}]}, {"count": 1, "actions": [{"wording": "html_200"}]},
    {"count": 1, "actions": [{"wording": "request_timeout"}]}, {"count": 1, "actions": [{"wording": "deadline"}]},
    {"count": 1, "method": "leave", "actions": [{"wording": "invalid_token"}]},
]
UNHEARD = [
    {"count": 1, "actions": [{"fault": name, "applied": applied, "milliseconds": 2500}]}
    for name in ("close", "reset", "stall", "truncated_headers", "partial_body", "junk") for applied in (True, False)
] + [{"count": 1, "actions": [{"fault": "delay", "milliseconds": 2600}]}]


@dataclass(frozen=True)
class End:
    """After all other faults: for `calm` seconds an operator lifts what holds, then bad jobs come and nobody helps. It
    is over when all bad jobs are, or after `seconds`."""
    seconds: float
    calm: float
    #: Good jobs in a second.
    rate: float


END = End(seconds=400, calm=6, rate=4)
QUICK_END = End(seconds=90, calm=4, rate=10)


def rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Maker:
    """Makes the messages of one run. Times in bodies count from `start`, so two runs of one seed differ in these."""

    def __init__(
        self, seed: int, jobs: int, seconds: float, start: float, poison: int = 0, faults: Sequence[Fault] = ()
    ):
        self.random = randomness.Random(f"messages {seed}")
        self.seed, self.jobs, self.seconds, self.start, self.poison = seed, jobs, seconds, start, poison
        self.alone = 0
        self.bursts = [fault for fault in faults if fault.kind == "bad_jobs"]
        self.messages = []

    def make(self) -> list[Message]:
        flow = self.seconds * FLOW
        for number in range(self.jobs):
            at = self.random.uniform(0, flow)
            self._job(number, at)
        for number in range(self.poison):
            self._add_poison(number, flow * (0.2 + 0.5 * self.random.random()))
        for number in range(self.jobs * BAD // 1000):
            body, properties, reason = badinput.make(self.random, number)
            self.messages.append(Message(
                at=self.random.uniform(0, flow), role="bad", key=self._lane(), body=body, expect=reason,
                properties=properties))
        # Numbers of their own, so that a seed's other jobs are the same with and without them.
        self.random = randomness.Random(f"bad jobs {self.seed}")
        for place, burst in enumerate(self.bursts):
            for number, ailment in enumerate(burst.details["ailments"]):
                at = burst.at + self.random.uniform(0, burst.seconds)
                self._add_bad_job(f"c{self.seed}-bad-{place}-{number}", at, ailment)
        self.messages.sort(key=lambda message: message.at)
        return self.messages

    def make_end(self, end: End, ailments: list[str]) -> list[Message]:
        """Of the quiet end: good jobs at a steady rate, and behind the first of them a burst of bad ones. They go on
        for as long as it may take, and nobody has to wait for the last of them."""
        self.random = randomness.Random(f"end {self.seed}")
        for number in range(int(end.seconds * end.rate)):
            at = (number + self.random.random()) / end.rate
            # What came before may still be mended by an operator.
            nature = "good" if at >= end.calm else "ordinary"
            job = f"c{self.seed}-end-{number}"
            account = self._account()
            self._add(Message(at=at, role="job", key=self._lane(), body=b"", nature=nature, job=job, account=account,
                              token=f"album-{job}"))
        for number, ailment in enumerate(ailments):
            self._add_bad_job(f"c{self.seed}-bad-end-{number}", end.calm + self.random.uniform(0, 2), ailment)
        self.messages.sort(key=lambda message: message.at)
        return self.messages

    def _add(self, message: Message) -> Message:
        message.body = self._body(message)
        self.messages.append(message)
        return message

    def _add_bad_job(self, job: str, at: float, ailment: str) -> None:
        kind = AILMENTS[ailment]
        self.alone += 1
        account = self._account()
        if kind.alone:
            account = accounts.alone(self.alone) if kind.token is None else accounts.alone_granted(self.alone)
        deadline = at + self.random.choice([10, 20]) if self.random.randrange(10) < kind.deadlines else None
        message = self._add(Message(
            at=at, role="job", key=self._lane(), body=b"", nature="bad_job", job=job, account=account,
            token=f"album-{job}", deadline=deadline, ailment=ailment))
        if self.random.randrange(1000) < DUPLICATES:
            self.messages.append(Message(**dict(vars(message), role="copy", at=at + 0.2)))

    def _account(self) -> str:
        return accounts.account(self.random.randrange(accounts.ACCOUNTS))

    def _lane(self) -> str:
        return "leave" if self.random.random() < 0.5 else "leave.bulk"

    def _nature(self) -> str:
        draw = self.random.randrange(1000)
        for name, share in NATURES.items():
            if draw < share:
                return name
            draw -= share
        return "ordinary"

    def _job(self, number: int, at: float) -> None:
        nature = self._nature()
        # Refusals that may be everybody's need other jobs that succeed, so none of them is among the first.
        if at < self.seconds * 0.1 and nature not in ("flaky", "unheard"):
            nature = "ordinary"
        job = f"c{self.seed}-{number}"
        account = self._account()
        token = f"album-{job}"
        deadline, fault, properties = None, None, {}
        if nature in TOKENLESS:
            account = nature
        elif nature == "unknown_album":
            token = f"nowhere-{job}"
        elif nature in ("owner", "not_member"):
            token = f"seeded-{job}"
        elif nature == "late":
            deadline = at - 60
        elif nature == "deadline":
            deadline = at + self.random.choice([1, 5, 30])
        elif nature == "expiring":
            properties["expiration"] = "1"
        elif nature == "flaky":
            fault = self.random.choice(FLAKY)
        elif nature == "unheard":
            fault = self.random.choice(UNHEARD)
        if self.random.random() < 0.2:
            properties["correlation_id"] = f"trace-{number}"
        message = Message(
            at=at, role="job", key=self._lane(), body=b"", nature=nature, job=job, account=account, token=token,
            deadline=deadline, properties=properties, fault=fault)
        message.body = self._body(message)
        self.messages.append(message)
        self._beside(message)

    def _body(self, message: Message, **changes: object) -> bytes:
        members = {"version": 1, "jobId": message.job, "account": message.account, "shareToken": message.token}
        if message.deadline is not None:
            members["deadline"] = rfc3339(self.start + message.deadline)
        if self.random.random() < 0.3:
            members["metadata"] = {"ticket": f"T-{self.random.randrange(10**6)}", "ü": "é"}
        return json.dumps(dict(members, **changes)).encode()

    def _beside(self, message: Message) -> None:
        """Copies, conflicting jobs and cancels of a job."""
        def copy(role, **changes):
            values = dict(vars(message), role=role, **changes)
            self.messages.append(Message(**values))

        if self.random.randrange(1000) < DUPLICATES:
            for _ in range(self.random.choice([1, 1, 1, 4])):
                later = self.random.choice([0, 0.2, 2, self.seconds / 3])
                properties = {key: value for key, value in message.properties.items() if key != "expiration"}
                copy("copy", at=min(message.at + later, self.seconds), key=self._lane(), properties=properties)
        if self.random.randrange(1000) < CONFLICTS:
            other = dict(account=self._account(), token=message.token + "-other")
            body = json.dumps({"jobId": message.job, "account": other["account"], "shareToken": other["token"]})
            copy("conflict", at=min(message.at + self.random.choice([0.1, 5]), self.seconds), body=body.encode(),
                 nature="ordinary", fault=None, deadline=None, properties={}, **other)
        if self.random.randrange(1000) < CANCELS:
            body = json.dumps({"version": 1, "jobId": message.job}).encode()
            at = max(0, message.at + self.random.choice([-3, -0.05, 0, 0.5]))
            self.messages.append(Message(at=at, role="cancel", key="cancel", body=body, job=message.job))

    def _add_poison(self, number: int, at: float) -> None:
        job = f"c{self.seed}-poison-{number}"
        message = Message(
            at=at, role="job", key="leave", body=b"", nature="poison", job=job, account=accounts.account(0),
            token=poison_token(self.seed))
        message.body = self._body(message)
        self.messages.append(message)


def poison_token(seed: int) -> str:
    return f"album-poison-{seed}"
