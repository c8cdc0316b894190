"""When which fault falls, made from the seed alone. Faults of one family follow each other; families overlap."""
from dataclasses import dataclass, field
from random import Random

from auditor import reasons
from auditor.expectations import HOLD, QUICK, SLOW, given_to_all

from .load import badjobs

#: Per kind: its family, seconds from one to the next on average, and how long it lasts.
KINDS = {
    "kill_daemon": ("daemon", 7, (0, 0)),
    "kill_both": ("daemon", 40, (0, 0)),
    "stop_daemon": ("daemon", 30, (0.3, 7)),
    "term_daemon": ("daemon", 40, (0, 0)),
    "broker_restart": ("broker", 45, (0, 1)),
    "broker_kill": ("broker", 60, (0, 1)),
    "close_connections": ("broker", 25, (0, 0)),
    "memory_alarm": ("broker", 50, (1, 5)),
    "disk_alarm": ("broker", 60, (1, 5)),
    "delete_results": ("broker", 90, (1, 4)),
    "delete_dead": ("broker", 90, (1, 4)),
    "partition": ("broker", None, (4, 12)),
    "redrive": ("operator", 35, (3, 8)),
    "purge_delays": ("queues", 40, (0, 0)),
    "silent_broker": ("wire", 35, (1, 9)),
    "slow_broker": ("wire", 40, (2, 8)),
    "drop_broker": ("wire", 40, (1, 12)),
    "loss_broker": ("wire", 60, (3, 8)),
    "cut_broker": ("wire", 30, (0, 0)),
    "silent_api": ("wire_api", 40, (1, 6)),
    "slow_api": ("wire_api", 40, (2, 8)),
    "drop_api": ("wire_api", 40, (1, 6)),
    "loss_api": ("wire_api", 60, (3, 8)),
    "cut_api": ("wire_api", 30, (0, 0)),
    "api_rows": ("api", 12, (2, 8)),
    "api_holds": ("api", 30, (2, 6)),
    "token_faults": ("token", 20, (2, 8)),
    "ledger_full": ("ledger", 40, (1, 5)),
    "ledger_readonly": ("ledger", 90, (2, 5)),
    "clock_jump": ("clock", 30, (2, 12)),
    "poison": ("poison", None, (0, 0)),
    "bad_jobs": ("jobs", 25, (0, 6)),
}

#: What needs a network of the daemons' own.
PACKETS = {"drop_broker", "loss_broker", "drop_api", "loss_api"}

#: What a run of less than two minutes has time for.
CI = ["kill_daemon", "kill_both", "stop_daemon", "term_daemon", "broker_kill", "close_connections", "memory_alarm",
      "silent_broker", "silent_api", "cut_api", "redrive", "cut_broker", "api_rows", "api_holds", "token_faults",
      "purge_delays", "bad_jobs"]

#: Calls that are not answered, or late.
UNANSWERED = [
    {"fault": "close", "applied": False}, {"fault": "close", "applied": True},
    {"fault": "reset", "applied": False}, {"fault": "reset", "applied": True},
    {"fault": "stall", "applied": True, "milliseconds": 2500},
    {"fault": "stall", "applied": False, "milliseconds": 2500},
    {"fault": "truncated_headers", "applied": True}, {"fault": "partial_body", "applied": True},
    {"fault": "junk", "applied": True}, {"fault": "delay", "milliseconds": 700},
    {"fault": "delay", "milliseconds": 2600},
]
TOKEN_FAULTS = [
    {"status": 503, "body": ""}, {"status": 429, "body": ""}, {"fault": "close", "applied": False},
    {"fault": "reset", "applied": True}, {"fault": "junk", "applied": False},
    {"fault": "delay", "milliseconds": 1000}, {"status": 200, "body": "{}"},
    {"status": 401, "body": "{\"error\":\"invalid_client\"}"},
]
#: Whose dead letters an operator gives another try.
REDRIVEN = sorted(reasons.those("is_redriven"))


@dataclass
class Fault:
    """One fault: `at` seconds after the start, for `seconds`."""
    at: float
    seconds: float
    kind: str
    family: str
    details: dict = field(default_factory=dict)


def make(
    seed: int, seconds: float, kinds: dict[str, int | None], slow: bool = False, quick: bool = False
) -> list[Fault]:
    """The schedule. `kinds` maps each kind that may fall to how often it does, or to None for the usual rate. `quick`:
    of bad jobs only few, and those that end soon."""
    random = Random(f"schedule {seed}")
    wanted = []
    for kind in sorted(kinds):
        family, every, _ = KINDS[kind]
        count = kinds[kind]
        if count is None and every is None:
            continue
        if count is None:
            count = seconds * 0.9 / every
            count = int(count) + (random.random() < count % 1)
        wanted += [(family, kind)] * count
    faults = []
    for family in sorted({family for family, _ in wanted}):
        members = [kind for other, kind in wanted if other == family]
        random.shuffle(members)
        share = seconds * 0.9 / len(members)
        for place, kind in enumerate(members):
            shortest, longest = KINDS[kind][2]
            lasts = min(random.uniform(shortest, longest), max(shortest, share * 0.8))
            at = seconds * 0.05 + place * share + random.uniform(0, max(0.0, share - lasts))
            faults.append(Fault(round(at, 3), round(lasts, 3), kind, family, _details(random, kind, slow, quick)))
    faults.sort(key=lambda fault: (fault.at, fault.kind))
    return faults


def _details(random: Random, kind: str, slow: bool, quick: bool) -> dict:
    if kind == "api_rows":
        count = random.choice([1, 2, 5])
        actions = [random.choice(given_to_all(QUICK) + UNANSWERED) for _ in range(count)]
        if slow and random.random() < 0.3:
            actions.append(random.choice(given_to_all(SLOW)))
        method = random.choice([None, "leave", "get"])
        fault = {"probability": random.choice([0.1, 0.3, 0.3, 1.0]), "actions": actions}
        return {"fault": dict(fault, method=method) if method else fault, "not_tokens": True}
    if kind == "api_holds":
        return {"fault": {"method": "leave", "probability": 1.0, "actions": [random.choice(given_to_all(HOLD))]}}
    if kind == "token_faults":
        return {"fault": {"method": "token", "probability": random.choice([0.5, 1.0]),
                          "actions": [random.choice(TOKEN_FAULTS)]}}
    if kind in ("loss_broker", "loss_api"):
        return {"share": random.choice([0.02, 0.1, 0.3])}
    if kind == "slow_api":
        return {"delay": random.choice([0.05, 0.3, 1.5, 3])}
    if kind == "slow_broker":
        return {"delay": random.choice([0.02, 0.1, 0.5])}
    if kind in ("silent_broker", "silent_api"):
        return {"reset": random.random() < 0.5}
    if kind == "clock_jump":
        return {"offset": random.choice([-45, -20, -3, 3, 20, 45])}
    if kind == "redrive":
        return {"reasons": random.sample(REDRIVEN, 4), "killed_after": random.choice([None, None, 0.05, 0.3])}
    if kind == "bad_jobs":
        return {"ailments": badjobs.draw(random, quick)}
    if kind == "ledger_full":
        return {"leave_kib": random.choice([0, 4, 64])}
    return {}
