"""A rolling upgrade under load: daemons of an older build are replaced one by one, and one of them goes back once."""
import json
import signal
import threading
import time
from pathlib import Path

from auditor.journal import now_ms
from testbed import roles
from testbed.daemon import Daemon
from testbed.waiting import wait

from . import plan
from .daemons import Member
from .stage import Stage

#: From the end of one build to its place being taken by the other: the longest drain, and a restart.
LONGEST_WAIT = 40
#: What a start says with 78 before the schema is made ready.
NEEDS = "ledger declare"


class Upgrade(threading.Thread):
    """Of the daemons of a stage. `errors`: what did not go as an upgrade has to."""

    def __init__(self, stage: Stage, seconds: float, record):
        """While nothing strikes yet. `seconds`: the time in which jobs come."""
        super().__init__(daemon=True, name="upgrade")
        self.stage, self.errors, self.replaced = stage, [], 0
        self._began, self._seconds, self._record = 0.0, seconds, record
        self._old = stage.options.beside / "leave-albumd"
        self._new = stage.options.programs / "leave-albumd"
        self.schemas = [self._schema()]
        if self._newest() > self.schemas[0]:
            self._try_too_early()

    def begin(self, start: float) -> None:
        """`start`: when jobs begin to come."""
        self._began = start
        self.start()

    def run(self) -> None:
        try:
            self._perform()
        except Exception as error:
            self.errors.append(f"the upgrade: {error}")

    def _perform(self) -> None:
        members = self.stage.daemons.slots
        self._until(plan.DECLARED * self._seconds)
        self._declare()
        for at, place, is_new in plan.upgrade(len(members), self._seconds):
            self._until(at)
            self._replace(members[place], self._new if is_new else self._old)
        self._declare("--contract")

    def _until(self, second: float) -> None:
        time.sleep(max(0.0, self._began + second - time.time()))

    def _schema(self) -> int:
        return int(self.stage.database.run("SELECT schema FROM leave_album.cluster", roles.DATABASE))

    def _newest(self) -> int:
        """The version of the schema that the new build makes of nothing."""
        self.stage.database.add("newer")
        return json.loads(self._newcomer().order(
            "ledger", "declare", "--json", "--url", self.stage.database.owner_url_of("newer"), "--worker-role",
            roles.WORKER))["version"]

    def _newcomer(self) -> Daemon:
        settings = {table: dict(values) for table, values in self.stage.daemons.slots[0].settings.items()}
        settings["ledger"]["instance"] = "newcomer"
        settings["admin"] = {}
        return Daemon(self._new, self.stage.directory, settings, name="newcomer")

    def _try_too_early(self) -> None:
        """A daemon of the new build is started before its schema is there."""
        newcomer = self._newcomer()
        process = newcomer.start()
        if not wait(lambda: process.poll() is not None, seconds=LONGEST_WAIT):
            newcomer.kill()
            self.errors.append("a daemon that was started before its schema was there did not end")
        elif process.returncode != 78 or not any(NEEDS in line for line in newcomer.log()):
            self.errors.append(f"a daemon that was started before its schema was there ended with {process.returncode}")

    def _declare(self, *words: str) -> None:
        """Again, where a strike has taken the database away."""
        said = []

        def is_declared() -> bool:
            code, text = self._newcomer().command(
                "ledger", "declare", "--json", *words, "--url", self.stage.database.owner_url, "--worker-role",
                roles.WORKER)
            said.append(text)
            if code == 0:
                self.schemas.append(json.loads(text)["version"])
            return code == 0
        if not wait(is_declared, seconds=LONGEST_WAIT, every=1):
            self.errors.append(f"ledger declare {' '.join(words)}: {said[-1]}")

    def _replace(self, member: Member, program: Path) -> None:
        """As a package's upgrade does: it is told to stop, and what starts in its place is the other build."""
        with self.stage.daemons.lock:
            member.program = program
            before = member.starts
            at = now_ms()
            is_told = member.signal(signal.SIGTERM)
        if not wait(lambda: member.starts > before and member.is_running, seconds=LONGEST_WAIT):
            self.errors.append(f"daemon {member.slot} did not start as {program}")
            return
        self.replaced += 1
        if is_told:
            self._record(at=at, until=now_ms(), kind="term_daemon", slot=member.slot, program=str(program))

    def end(self) -> dict:
        """When all jobs have come. What is to be known of it."""
        self.join(self._seconds + LONGEST_WAIT * (2 + self.stage.options.members))
        if self.is_alive():
            self.errors.append("the upgrade came to no end")
        return {"beside": str(self._old), "replaced": self.replaced, "schemas": self.schemas}
