"""The daemons of a run: each in its own network if there is one, started again whenever it ends."""
import argparse
import json
import signal
import threading
import time
from pathlib import Path

from auditor.journal import Journal
from testbed.clock import Clock
from testbed.daemon import Daemon, Settings

from ..daemons import OPEN_REFUSAL_MS, Daemons, Slot
from ..namespace import Namespace

#: From an end to the next start, as hosts need some time to be back.
PAUSES = (0.2, 1.0, 3.0)


class Member(Slot):
    """One of the daemons, and where it lives."""

    def __init__(self, slot: str, ends: Journal, program: Path, directory: Path, tables: Settings,
                 namespace: Namespace | None, clock: Clock | None):
        self.namespace, self.clock = namespace, clock
        #: Its gate is of no use: the clock that it goes by stands still while the process is stopped.
        self.is_blind = False
        environment = {"ALBUMD_TEST_NEIGHBOURS_AFTER": str(OPEN_REFUSAL_MS), **(clock.environment if clock else {})}
        super().__init__(slot, ends, program, directory, tables, environment,
                         inside=namespace.prefix if namespace else ())

    def start(self) -> None:
        self.starts += 1
        self.asked = None
        Daemon.start(self)
        self._note("start")

    @property
    def is_due(self) -> bool:
        return self.starts == 0 or time.monotonic() - self.ended > PAUSES[self.starts % len(PAUSES)]

    def report(self) -> dict | None:
        """What it says of itself, or None."""
        code, text = self.command("status", "--json", seconds=5)
        try:
            return json.loads(text) if code == 0 else None
        except ValueError:
            return None


class Members(Daemons):
    """All of them, and the thread that starts again what ended."""

    def __init__(self, program: Path, members: list[Member]):
        self.program, self.slots = program, members
        self.lock = threading.RLock()
        self._watching = True
        self._thread = threading.Thread(target=self._watch, daemon=True, name="supervisor")
        self._thread.start()

    def active(self) -> Member | None:
        """Any of them that runs: commands speak for all."""
        with self.lock:
            return next((member for member in self.slots if member.is_running), None)

    def choose(self, draw: float, seconds: float = 5, among: list[Member] | None = None) -> Member | None:
        """One of these, or of all, that runs, by a number below one; None if none did for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                running = [member for member in (self.slots if among is None else among) if member.is_running]
            if running:
                return running[int(draw * len(running))]
            time.sleep(0.05)
        return None

    def status(self) -> dict | None:
        """What they say of themselves, added up; None if one that runs says nothing."""
        with self.lock:
            running = [member for member in self.slots if member.is_running]
        reports = [member.report() for member in running]
        if not reports or None in reports or len(reports) < len(self.slots):
            return None
        holds = {hold["cause"]: hold for report in reports for hold in report["holds"]}
        return dict(reports[0], inHand=sum(report["inHand"] for report in reports), holds=list(holds.values()),
                    state="consuming" if all(report["state"] == "consuming" for report in reports) else "not all")

    def reload(self) -> None:
        """SIGHUP to each that runs; the others read their settings when they start."""
        with self.lock:
            for member in self.slots:
                if member.is_running:
                    member.process.send_signal(signal.SIGHUP)


def names(options: argparse.Namespace) -> list[str]:
    return [chr(ord("a") + number) for number in range(options.members)]
