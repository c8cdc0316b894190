"""The daemon and the one that stands by: started again whenever they end, as a supervisor would."""
import json
import os
import signal
import subprocess
import threading
import time

from . import badjobs, process, world
from .journal import now_ms
from .messages import poison_token

SETTINGS = """\
[broker]
uris = [{uris}]
prefix = "{prefix}"
heartbeat = "2s"
confirm_timeout = "5s"
[api]
base_url = "http://127.0.0.1:{api_port}"
timeout = "2s"
connect_timeout = "1s"
[credentials]
providers = ["store", "static"]
[credentials.static]
token_file = "{room}/tokens"
[credentials.store]
directory = "{room}/grants"
key_file = "{room}/store-key"
client_id = "chaos"
token_url = "http://127.0.0.1:{api_port}/token"
[worker]
concurrency = {concurrency}
drain_timeout = "8s"
[limits]
requests_per_day = 0
requests_per_minute_per_account = 0
pace = "asap"
[retry]
delays = ["1s", "3s", "9s"]
max_attempts = 8
max_age = "{max_age}s"
[ledger]
path = "{ledger}/ledger.sqlite3"
durability = "{durability}"
[admin]
control_socket = "{room}/control-a.sock"
listen = "127.0.0.1:0"
[log]
level = "{level}"
format = "json"
"""

#: How late a copy may be before its job is reported lost, in a test build.
LOST_AFTER_MS = 20_000
#: How long a refused job waits for its neighbours, in a test build; five minutes, three times, is what a run cannot
#: wait for.
NEIGHBOURS_AFTER_MS = 9_000


#: More than the second after which the one that stands by looks for the ledger again.
LATE_RESTART = 1.7


class Site:
    """Where the daemons live: settings, grants, ledger and program."""

    def __init__(self, program, room, ledger, broker_wires, api_wire, options, namespace=None):
        self.program, self.room, self.ledger = program, room, ledger
        self.prefix = f"chaos-{options.seed}"
        self.seed = options.seed
        #: What goes before the daemon's words.
        self.inside = namespace.prefix if namespace else []
        self.settings = room / "daemon.toml"
        self.environment = dict(os.environ, ALBUMD_TEST_LOST_AFTER=str(LOST_AFTER_MS),
                                ALBUMD_TEST_NEIGHBOURS_AFTER=str(NEIGHBOURS_AFTER_MS))
        self.settings.write_text(SETTINGS.format(
            uris=", ".join(f'"amqp://127.0.0.1:{wire.port}"' for wire in broker_wires), prefix=self.prefix,
            max_age=badjobs.MAX_AGE_SECONDS, api_port=api_wire.port, room=room, ledger=ledger,
            durability=options.durability, level=options.log_level, concurrency=options.concurrency))
        (room / "store-key").write_text(os.urandom(32).hex())
        (room / "tokens").write_text(world.token_lines())
        for name in ("daemon.toml", "store-key", "tokens"):
            os.chmod(room / name, 0o600)

    def command(self, *words, data=None, seconds=60, slot="a"):
        """Runs a command of the daemon's. Gives its exit status and what it printed."""
        environment = dict(self.environment, LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET=f'"{self.room}/control-{slot}.sock"')
        try:
            answer = subprocess.run(
                [self.program, *words, "--config", self.settings], input=data, capture_output=True, env=environment,
                timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, "no answer in time"
        return answer.returncode, (answer.stdout + answer.stderr).decode(errors="replace")

    def prepare(self):
        """Grants into the store, topology onto the broker."""
        for words, data in ((("credentials", "import"), world.grant_lines().encode()),
                            (("topology", "declare"), None)):
            status, text = self.command(*words, data=data)
            if status != 0:
                raise process.NotReady(f"{' '.join(words)}: {text}")


class Slot:
    """One place of a daemon, `a` or `b`."""

    def __init__(self, site, name, ends, poison, preload):
        self.site, self.name, self.ends = site, name, ends
        self.child, self.starts, self.asked, self.ended = None, 0, None, 0.0
        self.environment = dict(
            site.environment, LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET=f'"{site.room}/control-{name}.sock"', **preload)
        if poison:
            self.environment["ALBUMD_TEST_KILL_TOKEN"] = poison_token(site.seed)

    def start(self):
        self.starts += 1
        self.asked = None
        self.child = process.spawn(
            [*self.site.inside, self.site.program, "run", "--new-ledger", "--config", self.site.settings],
            self.site.room / f"daemon-{self.name}.log", self.environment)
        self.ends.write(at=now_ms(), event="start", slot=self.name, pid=self.child.pid)

    def signal(self, number):
        """What is asked of it is written down before it happens."""
        if self.child is None or self.child.poll() is not None:
            return False
        if number in (signal.SIGKILL, signal.SIGTERM):
            self.asked = number.name
        self.ends.write(at=now_ms(), event="told", slot=self.name, pid=self.child.pid, signal=number.name)
        self.child.send_signal(number)
        return True

    def reap(self):
        """Writes down the end of a process that has ended."""
        if self.child is None or self.child.poll() is None:
            return False
        self.ends.write(
            at=now_ms(), event="end", slot=self.name, pid=self.child.pid, status=self.child.returncode,
            asked=self.asked)
        self.child, self.ended = None, time.monotonic()
        return True

    @property
    def is_due(self):
        """Every second time so late that the one that stands by comes first."""
        return time.monotonic() - self.ended > (0 if self.starts % 2 == 0 else LATE_RESTART)


class Daemons:
    """Two slots and the thread that starts again what ended."""

    #: As `Restart=always` with `RestartSec=100ms` would.
    PAUSE = 0.1

    def __init__(self, site, ends, poison=False, preload=None):
        self.site = site
        self.slots = [Slot(site, name, ends, poison, preload or {}) for name in ("a", "b")]
        self.lock = threading.RLock()
        self._watching = True
        self._thread = threading.Thread(target=self._watch, daemon=True, name="supervisor")
        self._thread.start()

    def _watch(self):
        while self._watching:
            with self.lock:
                for slot in self.slots:
                    slot.reap()
                    if slot.child is None and slot.is_due and self._watching:
                        slot.start()
            time.sleep(self.PAUSE)

    def active(self):
        """The slot whose process holds the ledger, as it wrote itself into the lock's file; None if none is known."""
        try:
            holder = int((self.site.ledger / "ledger.sqlite3.lock").read_text().strip() or 0)
        except (OSError, ValueError):
            return None
        with self.lock:
            for slot in self.slots:
                if slot.child is not None and slot.child.pid == holder and slot.child.poll() is None:
                    return slot
        return None

    def status(self):
        """What the active daemon says of itself, or None."""
        slot = self.active()
        if slot is None:
            return None
        code, text = self.site.command("status", "--json", slot=slot.name, seconds=10)
        try:
            return json.loads(text) if code == 0 else None
        except ValueError:
            return None

    def operate(self, *words):
        slot = self.active()
        return self.site.command(*words, slot=slot.name, seconds=20) if slot else (None, "nobody is active")

    def rest(self):
        """Nothing is started again from now on."""
        with self.lock:
            self._watching = False
        self._thread.join(10)

    def stop(self):
        """SIGTERM to both, each with the time that it may take. Gives the exit statuses."""
        self.rest()
        statuses = {}
        for slot in self.slots:
            slot.signal(signal.SIGTERM)
        for slot in self.slots:
            if slot.child is not None:
                statuses[slot.name] = process.end(slot.child, signal.SIGTERM, seconds=40) \
                    if slot.child.poll() is None and not _ended(slot.child, 40) else slot.child.returncode
                slot.reap()
        return statuses


def _ended(child, seconds):
    try:
        child.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
