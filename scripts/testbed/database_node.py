"""One PostgreSQL server and the Patroni that starts it, follows the primary, or takes its place."""
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from . import ports, postgres, processes
from .daemon import write_private
from .roles import SUPERUSER
from .waiting import NotReady, eventually
from .wire import Wire

#: A server that is being killed goes in a moment; one that frees its memory before, in some.
SLOWEST_END = 30


class Login:
    """Passwords of the superuser, of standbys, and of who sets a former primary back to where the others went on."""

    def __init__(self, passwords: Mapping[str, str]):
        self.passwords = passwords

    def of_patroni(self) -> dict:
        names = {"superuser": SUPERUSER, "replication": "replicator", "rewind": "rewinder"}
        return {part: {"username": name, "password": self.passwords[name]} for part, name in names.items()}


class DatabaseNode:
    """`settings`: those that all nodes have in common. `etcd`: the ports of its members. `has_wires`: between this node and
    all others, etcd's members too, are wires; not between it and its clients."""

    def __init__(
        self, directory: Path, name: str, settings: Mapping, programs: Path, sockets: Path, login: Login,
        etcd: Sequence[int], has_wires: bool
    ):
        self.directory, self.name, self.programs = directory, name, programs
        self.port, self._rest_port = ports.free_port(), ports.free_port()
        self.data = directory / "data"
        self.has_run = False
        self._patroni: subprocess.Popen | None = None
        directory.mkdir(parents=True)
        own = json.loads(json.dumps(settings))
        # Where it comes to the others, and they to it.
        self._wires = [Wire(port) for port in (self._rest_port, self.port, *etcd)] if has_wires else []
        rest, server, *members = [wire.port for wire in self._wires] or (self._rest_port, self.port, *etcd)
        own.update(
            # As proxies: else it asks etcd where its members are, and goes past the wires.
            name=name, etcd3={"hosts": [f"127.0.0.1:{port}" for port in members], "use_proxies": has_wires},
            restapi={"listen": f"127.0.0.1:{self._rest_port}", "connect_address": f"127.0.0.1:{rest}"})
        own["postgresql"].update(
            listen=f"127.0.0.1:{self.port}", connect_address=f"127.0.0.1:{server}", data_dir=str(self.data),
            pgpass=str(directory / "pgpass"))
        # JSON is YAML too.
        self._config = write_private(directory / "patroni.yml", json.dumps(own, indent=1))
        postgres.give(self._config, directory)

    def start(self) -> None:
        """Gives back before the server runs. Ended with this process, Patroni ends its server too."""
        self.has_run = True
        self._patroni = processes.spawn(
            postgres.as_server("/usr/bin/patroni", self._config, death="TERM"), self.directory / "patroni.out",
            # Of any Python's own settings, none.
            {"PYTHONDONTWRITEBYTECODE": "1"}, directory="/")

    def kill(self) -> None:
        """SIGKILL to all of it at once, as where the host is gone: nobody says that it goes, or starts it again."""
        processes.end(self._patroni, signal.SIGKILL)
        self._patroni = None
        self._end_server(signal.SIGKILL)

    def end(self) -> None:
        """For good: the server frees its memory, also that of one that was killed."""
        processes.end(self._patroni, signal.SIGKILL)
        self._patroni = None
        self._end_server(signal.SIGQUIT)
        for wire in self._wires:
            wire.stop()
        with suppress(FileNotFoundError, IndexError, ValueError):
            memory = (self.data / "postmaster.pid").read_text().splitlines()[6].split()[1]
            subprocess.run(["ipcrm", "--shmem-id", memory], capture_output=True)

    def _end_server(self, number: signal.Signals) -> None:
        server = self.server
        if server is None:
            return
        children = _children(server)
        for one in [server, *(children if number == signal.SIGKILL else ())]:
            with suppress(ProcessLookupError):
                os.kill(one, number)
        eventually(f"all of {self.name} is gone", lambda: not any(map(lives, [server, *children])), SLOWEST_END)

    def cut_off(self) -> None:
        """From the other servers and from etcd, as where a switch between them fails; its clients still come to it."""
        for wire in self._wires:
            wire.silence()

    def come_back(self) -> None:
        """After `cut_off`: what was on its way is lost."""
        for wire in self._wires:
            wire.restore(reset=True)

    def hold_back(self) -> None:
        """From now on no standby gets anything of this primary, until it is killed."""
        for sender in self._backends("walsender"):
            os.kill(sender, signal.SIGSTOP)

    def commits_after(self, timeline: int, position: str) -> int:
        """How many commits the log of this server, which is killed, has of a timeline after this position, where another
        server left it: what nobody else has."""
        done = subprocess.run(
            postgres.as_server(self.programs / "pg_waldump", "--path", self.data / "pg_wal", "--timeline", timeline,
                               "--start", position, "--rmgr", "Transaction"),
            capture_output=True, text=True, errors="replace", cwd="/", timeout=postgres.SLOWEST_START)
        # The end of a log is always an error, and so is a log without another record.
        if done.returncode != 0 and not re.search("invalid record|could not find a valid record", done.stderr):
            raise NotReady(f"pg_waldump: {done.stderr.strip()}")
        return sum("desc: COMMIT " in line for line in done.stdout.splitlines())

    # MARK: What it is

    @property
    def is_running(self) -> bool:
        return self._patroni is not None and self._patroni.poll() is None

    @property
    def server(self) -> int | None:
        """The process id of PostgreSQL, if it runs."""
        try:
            number = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            # After a kill, somebody else may have its number.
            if os.readlink(f"/proc/{number}/exe") == os.path.realpath(self.programs / "postgres"):
                return number
        except (OSError, ValueError, IndexError):
            pass
        return None

    def _backends(self, kind: str) -> list[int]:
        """Process ids of the server's children of one kind, as their titles name it."""
        server = self.server
        return [] if server is None else [
            child for child in _children(server) if kind in _title(child)]

    @property
    def is_primary(self) -> bool:
        return self._is("primary")

    @property
    def is_synchronous_standby(self) -> bool:
        return self._is("synchronous")

    def _is(self, what: str) -> bool:
        """By its own word, which its lease in etcd stands behind."""
        if not self.is_running:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._rest_port}/{what}", timeout=3):
                return True
        except OSError:
            return False

    def log(self) -> str:
        output = self.directory / "patroni.out"
        return output.read_text(errors="replace") if output.exists() else ""


def _children(parent: int) -> list[int]:
    with suppress(OSError):
        return [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return []


def lives(process: int) -> bool:
    """Those that ended and wait for their parent do not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _title(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
