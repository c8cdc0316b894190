"""An etcd of three members, of which two are enough to say who is the primary of a database."""
import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import ports, processes
from .daemon import get
from .waiting import eventually

MEMBERS = 3
#: In ms: a busy machine keeps its leader, and another one is found well within the time for which Patroni asks in vain.
HEARTBEAT, ELECTION = 200, 1_500


class EtcdMember:
    def __init__(self, directory: Path, name: str):
        self.directory, self.name = directory / name, name
        self.port, self.peers = ports.free_port(), ports.free_port()
        self._process: subprocess.Popen | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, others: str) -> None:
        """Gives back before it answers. `others`: all members, as each has to know them."""
        client, peers = (f"http://127.0.0.1:{port}" for port in (self.port, self.peers))
        self._process = processes.spawn(
            ["etcd", "--name", self.name, "--data-dir", self.directory, "--unsafe-no-fsync", "--log-level", "warn",
             "--heartbeat-interval", HEARTBEAT, "--election-timeout", ELECTION,
             "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peers,
             "--initial-advertise-peer-urls", peers, "--initial-cluster", others],
            self.directory.with_suffix(".out"))

    def kill(self) -> None:
        processes.end(self._process, signal.SIGKILL)
        self._process = None

    @property
    def is_healthy(self) -> bool:
        """It knows a leader, and what it writes is written."""
        return json.loads(get(f"http://127.0.0.1:{self.port}/health") or "{}").get("health") == "true"


class Etcd:
    def __init__(self, directory: Path):
        self.members = [EtcdMember(directory, f"etcd{number}") for number in range(1, MEMBERS + 1)]

    @property
    def ports(self) -> Sequence[int]:
        return [member.port for member in self.members]

    def start(self) -> None:
        """All that do not run; until each of them answers."""
        others = ",".join(f"{member.name}=http://127.0.0.1:{member.peers}" for member in self.members)
        for member in self.members:
            if not member.is_running:
                member.start(others)
        for member in self.members:
            eventually(f"{member.name} answers", lambda member=member: member.is_healthy, 60, 0.2)

    def kill(self, count: int, draw: float) -> list[str]:
        """So many of them, beginning with one that a number below one says. Their names."""
        first = int(draw * MEMBERS)
        killed = [self.members[(first + place) % MEMBERS] for place in range(count)]
        for member in killed:
            member.kill()
        return [member.name for member in killed]

    def end(self) -> None:
        for member in self.members:
            member.kill()
