"""The messages of a run of several daemons, made from its seed alone."""
import json
import random as randomness
from concurrent.futures import ThreadPoolExecutor

from testbed.simulator import SimulatorControl

from ..load.message import Message
from ..load.messages import FLAKY, UNHEARD
from . import terms

#: Of a thousand jobs, how many are of each nature; the rest is ordinary.
NATURES = {"owner": 4, "not_member": 6, "unknown_album": 4, "flaky": 10, "unheard": 10}
#: Of a thousand jobs, how many are published twice.
TWICE = 50
#: Part of the run's length in which jobs come; the rest is for what they still wait for.
FLOW = 0.85
#: Answered after the daemon has given up, and before its lease is over.
LATE = {"count": 1, "actions": [{"fault": "delay", "milliseconds": terms.TIMEOUT_MS + terms.GRACE_MS // 2}]}
#: Answers after which a job goes on in seconds: tokens that are refused wait for minutes, for nothing renews them here.
SOON_GOOD = [fault for fault in FLAKY if fault["actions"] != [{"wording": "invalid_token"}]]
#: Answers of one job's calls that others are not to wait for.
UNANSWERED = [fault for fault in UNHEARD if fault["actions"][0]["fault"] != "delay"] + [LATE]

#: Faults that the simulator is told of at a time: a run of full size has two thousand.
ARRANGERS = 16
#: Jobs in a second at the quiet end: no member is ever busy.
QUIET_RATE = 20
#: At which parts of the quiet end a member is killed.
QUIET_KILLS = (0.2, 0.6)
#: Before each of these come calls that the API takes so long for that they are under way at the kill; and around it jobs
#: in one moment, of which some are on their way to a claim then.
SLOW_JOBS, SLOW_MS = 9, 1_200
SLOW_BEFORE = (0.8, 0.3)
BURST, BURST_BEFORE = 30, 0.05


class Maker:
    """Times of messages count from the run's begin."""

    def __init__(self, seed: int):
        self.random = randomness.Random(f"members {seed}")
        self.seed = seed

    def make(self, jobs: int, accounts: int, seconds: float) -> list[Message]:
        messages = []
        for number in range(jobs):
            nature = self._nature()
            job = f"s{self.seed}-{number}"
            prefix = {"unknown_album": "nowhere", "owner": "seeded", "not_member": "seeded"}.get(nature, "album")
            fault = {"flaky": SOON_GOOD, "unheard": UNANSWERED}.get(nature)
            message = self._job(
                self.random.uniform(0, seconds * FLOW), job, f"m{self.random.randrange(accounts)}", f"{prefix}-{job}",
                # Of its calls alone: of a question that is answered with nonsense the journal says 200.
                nature, fault and dict(self.random.choice(fault), method="leave"))
            messages.append(message)
            if self.random.randrange(1000) < TWICE:
                later = message.at + self.random.choice([0, 0.2, 2, seconds / 3])
                messages.append(Message(**dict(vars(message), role="copy", at=min(later, seconds), key=self._lane())))
        messages.sort(key=lambda message: message.at)
        return messages

    def make_quiet(self, seconds: float) -> list[Message]:
        """Each of an account of its own, so that none waits for another."""
        times: list[tuple[float, dict | None]] = [
            (number / QUIET_RATE, None) for number in range(int(seconds * QUIET_RATE))]
        slow = {"count": 1, "method": "leave", "actions": [{"fault": "delay", "milliseconds": SLOW_MS}]}
        first, last = SLOW_BEFORE
        for part in QUIET_KILLS:
            kill = part * seconds
            times += [(kill - first + (first - last) * number / SLOW_JOBS, slow) for number in range(SLOW_JOBS)]
            times += [(kill - BURST_BEFORE, None)] * BURST
        times.sort(key=lambda one: one[0])
        return [self._job(at, f"s{self.seed}-quiet-{number}", f"q{number}", f"album-s{self.seed}-quiet-{number}", "quiet",
                          fault) for number, (at, fault) in enumerate(times)]

    def _job(self, at: float, job: str, account: str, token: str, nature: str, fault: dict | None) -> Message:
        body = json.dumps({"version": 1, "jobId": job, "account": account, "shareToken": token}).encode()
        return Message(at=at, role="job", key=self._lane(), body=body, nature=nature, job=job, account=account,
                       token=token, fault=fault)

    def _nature(self) -> str:
        draw = self.random.randrange(1000)
        for name, share in NATURES.items():
            if draw < share:
                return name
            draw -= share
        return "ordinary"

    def _lane(self) -> str:
        return "leave" if self.random.random() < 0.5 else "leave.bulk"


def quiet_count(seconds: float) -> int:
    """How many jobs the quiet end has."""
    return int(seconds * QUIET_RATE) + len(QUIET_KILLS) * (SLOW_JOBS + BURST)


def token_lines(accounts: int, quiet: int) -> str:
    """The file of tokens, which do not end: grants are in each host's own store, and are another matter."""
    names = [f"m{number}" for number in range(accounts)] + [f"q{number}" for number in range(quiet)]
    return "".join(f"{name}\tsim:{name}\n" for name in names)


def arrange(simulator: SimulatorControl, messages: list[Message]) -> None:
    """What albums and calls are like that are not as the others."""
    albums, faults = [], []
    for message in messages:
        if message.role != "job":
            continue
        if message.nature == "owner":
            albums.append({"token": message.token, "owner": message.account, "members": [message.account]})
        elif message.nature == "not_member":
            albums.append({"token": message.token, "owner": "somebody", "members": ["somebody"]})
        elif message.fault is not None:
            faults.append(dict(message.fault, token=message.token))
    for start in range(0, len(albums), 200):
        simulator.arrange("albums", *albums[start:start + 200])
    # Each is a connection of its own, most of whose time is waiting.
    with ThreadPoolExecutor(ARRANGERS) as arrangers:
        list(arrangers.map(simulator.add_fault, faults))
