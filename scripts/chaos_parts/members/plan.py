"""When what strikes whom, made from the seed alone. Strikes of one family follow each other; families overlap."""
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from ..schedule import Fault
from . import terms

#: Per kind: its family, and how long it lasts in seconds. A stop is longer than any lease, a hold than its first round.
KINDS = {
    "kill_daemon": ("kills", (0, 0)),
    "term_daemon": ("kills", (0, 0)),
    "stop_daemon": ("stops", (terms.LEASE_SECONDS + 0.5, terms.LEASE_SECONDS + 2.5)),
    "drop_broker": ("links", (2, 12)),
    "drop_api": ("links", (2, 12)),
    "drop_database": ("links", (2, 12)),
    "database_restart": ("database", (0, 3)),
    "database_kill": ("database", (0, 3)),
    "broker_kill": ("broker", (0, 1)),
    "primary_killed": ("database", (1, 5)),
    "standby_killed": ("database", (1, 5)),
    "both_killed": ("database", (1, 5)),
    "primary_cut_off": ("database", (1, 5)),
    "etcd_killed": ("database", (8, 12)),
    "etcd_majority_killed": ("database", (1, 5)),
    "broker_node_killed": ("broker", (1, 5)),
    "api_holds": ("api", (10, 12)),
    "clock_jump": ("clock", (5, 15)),
}
#: What strikes one of several servers, and what the only one.
OF_SEVERAL = {"primary_killed", "standby_killed", "both_killed", "primary_cut_off", "etcd_killed", "etcd_majority_killed",
              "broker_node_killed"}
OF_THE_ONLY = {"database_restart", "database_kill", "broker_kill"}
#: What needs a network for each daemon.
PACKETS = {"drop_broker", "drop_api", "drop_database"}


def has_namespaces() -> bool:
    """Whether this machine can give each daemon a network of its own."""
    return os.geteuid() == 0 and shutil.which("ip") is not None and shutil.which("nft") is not None


@dataclass(frozen=True)
class Size:
    jobs: int
    accounts: int
    #: In which jobs come and strikes fall.
    seconds: float
    #: Until everything has to be still.
    timeout: float
    #: Of the end with few jobs.
    quiet_end: float
    #: Whether the day's limit is spent in the middle, which costs a quarter of a minute.
    spends_day: bool
    #: How often each kind strikes.
    counts: Mapping[str, int]


FULL = Size(100_000, 2_000, 600.0, 600.0, 30.0, True, {
    "kill_daemon": 100, "stop_daemon": 50, "term_daemon": 5, "drop_broker": 8, "drop_api": 8, "drop_database": 8,
    "database_restart": 3, "database_kill": 3, "broker_kill": 2, "api_holds": 4, "clock_jump": 6})
SHORT = Size(3_000, 200, 60.0, 150.0, 30.0, True, {
    "kill_daemon": 6, "stop_daemon": 3, "drop_broker": 1, "drop_api": 1, "drop_database": 1, "database_kill": 1,
    "api_holds": 1})
#: For a change, while it is made.
CI = Size(800, 100, 25.0, 150.0, 15.0, False, {
    "kill_daemon": 3, "stop_daemon": 1, "drop_database": 1, "database_kill": 1})

#: Where database and broker are three servers each. A failover takes half a minute until all three are there again. A
#: primary that was cut off may follow again only when the new one has written a segment of its log: it is for runs that ask
#: for it.
FAILOVER = Size(5_000, 200, 360.0, 300.0, 30.0, False, {
    "kill_daemon": 8, "stop_daemon": 4, "drop_broker": 1, "drop_api": 1, "drop_database": 1, "primary_killed": 2,
    "standby_killed": 1, "both_killed": 1, "etcd_killed": 1, "etcd_majority_killed": 1, "broker_node_killed": 3})
#: The same where no commit waits for a standby: of the database only what loses some.
ASYNCHRONOUS = Size(5_000, 200, 240.0, 300.0, 30.0, False, {
    "kill_daemon": 4, "primary_killed": 6, "broker_node_killed": 1})

#: What all calls are answered while everybody is refused: each a hold of all members.
REFUSALS = ("api_disabled", "billing", "method_not_found")


def make(seed: int, seconds: float, counts: Mapping[str, int]) -> list[Fault]:
    random = Random(f"strikes {seed}")
    families: dict[str, list[str]] = {}
    for kind in sorted(counts):
        families.setdefault(KINDS[kind][0], []).extend([kind] * counts[kind])
    faults = []
    for family, members in sorted(families.items()):
        random.shuffle(members)
        share = seconds * 0.9 / max(1, len(members))
        for place, kind in enumerate(members):
            lasts = random.uniform(*KINDS[kind][1])
            at = seconds * 0.05 + place * share + random.uniform(0, max(0.0, share - lasts))
            faults.append(Fault(round(at, 3), round(lasts, 3), kind, family, _details(random, kind)))
    faults.sort(key=lambda fault: (fault.at, fault.kind))
    return faults


def _details(random: Random, kind: str) -> dict:
    if kind == "api_holds":
        return {"wording": random.choice(REFUSALS)}
    # Whom it strikes, if more than one could be.
    details = {"draw": random.random()}
    if kind == "clock_jump":
        details["offset"] = random.choice([-45, -20, 20, 45])
    return details


#: Parts of the time in which jobs come: the schema is made ready for the newer build, and between these the daemons are
#: replaced.
DECLARED, FIRST, LAST = 0.1, 0.2, 0.85


def upgrade(members: int, seconds: float) -> list[tuple[float, int, bool]]:
    """When which member is replaced, and whether by the newer build: the first is put back once, and is the last to go."""
    steps = [(0, True), (0, False), *((place, True) for place in range(1, members)), (0, True)]
    share = (LAST - FIRST) / (len(steps) - 1)
    return [((FIRST + share * number) * seconds, *step) for number, step in enumerate(steps)]
