"""A small run as its journals would have it, without a fault in it: what the auditor's tests doctor."""
import copy
import hashlib
import json
import unittest

T = 1_800_000_000_000


def named_by_others(test: unittest.TestCase) -> set[str]:
    """The rules that rejected a record in the other tests of this one's class: each is run, and says them in `named`."""
    named = set()
    for name in unittest.defaultTestLoader.getTestCaseNames(type(test)):
        if name != test.id().rpartition(".")[2]:
            other = type(test)(name)
            other.debug()
            named |= other.named
    return named


class Records:
    """The journals of a run, to be changed by a test before they are judged."""

    def __init__(self):
        self.published, self.results, self.dead_letters, self.calls, self.faults, self.ends = [], [], [], [], [], []
        self.final = {"depths": {"jobs": 0, "dead": 0}, "settled": 1.0, "stopped": {"a": 0, "b": 0},
                      "ledgerVerify": [0, ""], "holds": []}

    def message(self, role, job, at=0, nature="ordinary", confirmed=True, account="ann", **more):
        number = len({record["number"] for record in self.published})
        body = f"{role} {job} {account} {more.get('expect')}"
        record = dict(number=number, at=T + at, role=role, key="leave", nature=nature, job=job,
                      sha256=hashlib.sha256(body.encode()).hexdigest(), size=len(body), **more)
        if role in ("job", "copy", "conflict"):
            record.update(account=account, token=more.get("token", f"album-{job}-{account}"))
        self.published.append(record)
        if confirmed:
            self.published.append({"number": number, "confirmed": T + at + 1})
        return record

    def call(self, job, at, method="leave", answer="200", effect="left", account="ann", token=None):
        self.calls.append({
            "sequence": len(self.calls) + 1, "at": T + at, "method": method, "account": account,
            "token": token or f"album-{job}-{account}", "effect": effect, "answer": answer})

    def result(self, name, at, outcome, effect, reason=None, next=None, **more):
        job, _, generation = name.rpartition("#")
        body = {"version": 1, "outcome": outcome, "effect": effect, **more}
        if not name.startswith("rejected:"):
            body.update(jobId=job, generation=int(generation), account="ann")
        if reason:
            body.update(reason=reason, next=next)
        self.results.append({
            "at": T + at, "id": name, "key": f"leave.{outcome}", "type": "leave-album.result.v1",
            "body": json.dumps(body), "replayed": False, "persistent": True})

    def dead_letter(self, message, reason, at, generation=0):
        self.dead_letters.append({
            "at": T + at, "key": reason, "sha256": message["sha256"], "number": str(message["number"]),
            "own": {"reason": reason, "generation": str(generation)}, "foreign": []})

    def fault(self, kind, at, until=None, **more):
        self.faults.append(dict(kind=kind, at=T + at, until=T + (at if until is None else until), **more))

    def copied(self):
        return copy.deepcopy(self)


def whole_run():
    """Jobs of the kinds that there are, each ended as it must."""
    run = Records()
    run.message("job", "plain", at=0)
    run.call("plain", at=100)
    run.result("plain#0", 110, "left", "left")

    run.message("job", "unheard", at=0, nature="unheard")
    run.call("unheard", at=100, answer="reset")
    run.call("unheard", at=1200, method="get", effect="none")
    run.result("unheard#0", 1300, "already_left", "left")

    run.message("job", "killed", at=5000)
    run.call("killed", at=5100)
    run.fault("kill_daemon", 5101)
    run.ends.append({"at": T + 5150, "event": "end", "slot": "a", "pid": 1, "status": -9, "asked": "SIGKILL"})
    run.call("killed", at=6000, method="get", effect="none")
    run.result("killed#0", 6100, "already_left", "left")

    owner = run.message("job", "owner", at=0, nature="owner")
    run.call("owner", at=100, answer="400", effect="none")
    run.call("owner", at=110, method="get", effect="none")
    run.result("owner#0", 120, "failed", "not_left", "album_owner", "none")
    run.dead_letter(owner, "album_owner", 121)

    run.message("cancel", "cancelled", at=0)
    cancelled = run.message("job", "cancelled", at=10)
    run.result("cancelled#0", 20, "failed", "not_left", "cancelled", "none")
    run.dead_letter(cancelled, "cancelled", 21)

    late = run.message("job", "late", at=0, nature="late", deadline=T - 60_000)
    run.result("late#0", 20, "failed", "not_left", "deadline_exceeded", "none")
    run.dead_letter(late, "deadline_exceeded", 21)

    run.message("job", "parked", at=0)
    run.call("parked", at=100, answer="503", effect="none")
    run.fault("purge_delays", 200, messages=1)
    run.result("parked#0", 40_000, "failed", "unknown", "job_lost", "operator")

    refused = run.message("job", "refused", at=0, nature="bad_job", ailment="billing")
    run.call("refused", at=100, answer="403", effect="none")
    run.result("refused#0", 120, "failed", "not_left", "permission_denied", "none")
    run.dead_letter(refused, "permission_denied", 121)

    tried = run.message("job", "tried", at=0, nature="bad_job", ailment="unavailable")
    for number in range(8):
        run.call("tried", at=100 + 5_000 * number, answer="503", effect="none")
    run.result("tried#0", 36_000, "failed", "unknown", "attempts_exhausted", "operator")
    run.dead_letter(tried, "attempts_exhausted", 36_001)

    limited = run.message("job", "limited", at=0, nature="bad_job", ailment="rate", deadline=T + 10_000)
    run.call("limited", at=100, answer="429", effect="none")
    run.result("limited#0", 30_000, "failed", "not_left", "deadline_exceeded", "none")
    run.dead_letter(limited, "deadline_exceeded", 30_001)

    run.message("job", "good", at=10_000, nature="good")
    run.call("good", at=60_000)
    run.result("good#0", 60_010, "left", "left")

    bad = run.message("bad", None, expect="malformed_job")
    name = f"rejected:{bad['sha256'][:32]}:malformed_job"
    run.result(name, 20, "rejected", "not_left", "malformed_job", "fix_request")
    run.dead_letter(bad, "malformed_job", 21)

    run.message("job", "twice", at=0)
    other = run.message("conflict", "twice", at=10, account="bob")
    run.call("twice", at=100)
    run.result("twice#0", 110, "left", "left")
    run.result(f"rejected:{other['sha256'][:32]}:job_id_conflict", 120, "rejected", "not_left", "job_id_conflict",
               "fix_request")
    run.dead_letter(other, "job_id_conflict", 121)
    return run
