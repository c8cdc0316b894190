"""The daemon and the one that stands by: started again whenever they end, as a supervisor would."""
import argparse
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from auditor.expectations import MAX_AGE_SECONDS
from auditor.journal import Journal, now_ms
from testbed.daemon import Daemon, Settings, write_private
from testbed.wire import Wire

from .load import accounts
from .load.messages import poison_token

#: How late a copy may be before its job is reported lost, in a test build.
LOST_AFTER_MS = 20_000
#: How long an open refusal waits to be decided, in a test build; five minutes, three times, is what a run cannot wait
#: for.
OPEN_REFUSAL_MS = 9_000
#: More than the second after which the one that stands by looks for the ledger again.
LATE_RESTART = 1.7
#: Seconds that a stop may take.
LONGEST_STOP = 40


def settings(
    options: argparse.Namespace, directory: Path, prefix: str, ledger: Path, broker_wires: list[Wire], api_wire: Wire
) -> Settings:
    """Of both daemons, with the files of secrets that they name."""
    key = write_private(directory / "store-key", os.urandom(32).hex())
    tokens = write_private(directory / "tokens", accounts.token_lines())
    api = f"http://127.0.0.1:{api_wire.port}"
    return {
        "broker": {"uris": [f"amqp://127.0.0.1:{wire.port}" for wire in broker_wires], "prefix": prefix,
                   "heartbeat": "2s", "confirm_timeout": "5s"},
        "api": {"base_url": api, "timeout": "2s", "connect_timeout": "1s"},
        "credentials": {"providers": ["store", "static"]},
        "credentials.static": {"token_file": str(tokens)},
        "credentials.store": {"directory": str(directory / "grants"), "key_file": str(key), "client_id": "chaos",
                              "token_url": f"{api}/token"},
        "worker": {"concurrency": options.concurrency, "drain_timeout": "8s"},
        "limits": {"requests_per_day": 0, "requests_per_minute_per_account": 0, "pace": "asap"},
        "retry": {"delays": ["1s", "3s", "9s"], "max_attempts": 8, "max_age": f"{MAX_AGE_SECONDS}s"},
        "ledger": {"path": str(ledger / "ledger.sqlite3"), "durability": options.durability},
        "log": {"level": options.log_level, "format": "json"},
    }


class Slot(Daemon):
    """One place of a daemon, `a` or `b`. What is asked of it, and its ends, are written down in `ends`."""

    def __init__(self, slot: str, ends: Journal, *arguments: object, **named: object):
        super().__init__(*arguments, name=f"daemon-{slot}", **named)
        self.slot, self.ends = slot, ends
        self.starts, self.asked, self.ended = 0, None, 0.0

    def start(self) -> None:
        self.starts += 1
        self.asked = None
        super().start("--new-ledger")
        self._note("start")

    def signal(self, number: signal.Signals) -> bool:
        """Whether there was a process to take it. It is written down before it happens."""
        if not self.is_running:
            return False
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.asked = number.name
        self._note("signal", signal=number.name)
        self.process.send_signal(number)
        return True

    def reap(self) -> None:
        """Writes down the end of a process that has ended."""
        if self.process is None or self.is_running:
            return
        self._note("end", status=self.process.returncode, asked=self.asked)
        self.process, self.ended = None, time.monotonic()

    def _note(self, event: str, **more: object) -> None:
        self.ends.write(at=now_ms(), event=event, slot=self.slot, pid=self.process.pid, **more)

    @property
    def is_due(self) -> bool:
        """Every second time so late that the one that stands by comes first."""
        return time.monotonic() - self.ended > (0 if self.starts % 2 == 0 else LATE_RESTART)


class Daemons:
    """Two slots and the thread that starts again what ended."""

    #: As `Restart=always` with `RestartSec=100ms` would.
    PAUSE = 0.1

    def __init__(
        self, options: argparse.Namespace, directory: Path, tables: Settings, ends: Journal, inside: list[str],
        preload: dict[str, str]
    ):
        environment = {"ALBUMD_TEST_LOST_AFTER": str(LOST_AFTER_MS),
                       "ALBUMD_TEST_NEIGHBOURS_AFTER": str(OPEN_REFUSAL_MS), **preload}
        if "poison" in options.kinds:
            environment["ALBUMD_TEST_KILL_TOKEN"] = poison_token(options.seed)
        self.program = options.programs / "leave-albumd"
        self.slots = [Slot(slot, ends, self.program, directory, {name: dict(table) for name, table in tables.items()},
                           environment, inside=inside) for slot in ("a", "b")]
        self._lock_file = Path(tables["ledger"]["path"] + ".lock")
        self.lock = threading.RLock()
        # Grants into the store, topology onto the broker.
        self.slots[0].order("credentials", "import", text=accounts.grant_lines())
        self.slots[0].order("topology", "declare")
        self._watching = True
        self._thread = threading.Thread(target=self._watch, daemon=True, name="supervisor")
        self._thread.start()

    def _watch(self) -> None:
        while self._watching:
            with self.lock:
                for slot in self.slots:
                    slot.reap()
                    if slot.process is None and slot.is_due and self._watching:
                        slot.start()
            time.sleep(self.PAUSE)

    def active(self) -> Slot | None:
        """The slot whose process holds the ledger, as it wrote itself into the lock's file; None if none is known."""
        try:
            holder = int(self._lock_file.read_text().strip() or 0)
        except (OSError, ValueError):
            return None
        with self.lock:
            return next((slot for slot in self.slots if slot.is_running and slot.process.pid == holder), None)

    def command(self, *words: str, seconds: float = 60) -> tuple[int | None, str]:
        """A command of the active daemon's, or of the first where none is needed."""
        return (self.active() or self.slots[0]).command(*words, seconds=seconds)

    def operate(self, *words: str) -> tuple[int | None, str]:
        slot = self.active()
        return slot.command(*words, seconds=20) if slot else (None, "nobody is active")

    def status(self) -> dict | None:
        """What the active daemon says of itself, or None."""
        code, text = self.operate("status", "--json")
        try:
            return json.loads(text) if code == 0 else None
        except ValueError:
            return None

    def rest(self) -> None:
        """Nothing is started again from now on."""
        with self.lock:
            self._watching = False
        self._thread.join(10)

    def stop(self) -> dict[str, int]:
        """SIGTERM to both, each with the time that it may take. Gives the exit statuses."""
        self.rest()
        statuses = {}
        for slot in self.slots:
            slot.signal(signal.SIGTERM)
        for slot in self.slots:
            if slot.process is not None:
                try:
                    statuses[slot.slot] = slot.process.wait(LONGEST_STOP)
                except subprocess.TimeoutExpired:
                    statuses[slot.slot] = slot.stop()
                slot.reap()
        return statuses

    def kill(self) -> None:
        self.rest()
        for slot in self.slots:
            slot.kill()
