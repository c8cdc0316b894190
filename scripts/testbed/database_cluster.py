"""Three PostgreSQL servers under Patroni, one of them the primary, with an etcd of three members that says which.

They live in a directory and listen on free ports of 127.0.0.1. What scripts/install-dependencies --failover installs.
"""
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import postgres
from .database_node import DatabaseNode, Login
from .etcd import Etcd
from .roles import SUPERUSER, Roles
from .waiting import NotReady, eventually, wait

#: How long a primary that says nothing stays it, how often each node looks, and how long one asks etcd in vain: as
#: short as lets a busy machine keep its primary.
TTL, LOOK, RETRY = 10, 1, 4
NODES = 3
#: Longest wait for a standby that is made anew, or for a primary, on a machine that is busy.
SLOWEST = 240


class DatabaseCluster(Roles):
    """Looks like a `Database`. `is_synchronous`: what is committed is at a standby, or is not committed. `has_wires`: each
    of its servers can be cut off from the others and from etcd, and is still there for its clients."""

    def __init__(
        self, directory: Path | str, networks: Sequence[str] = (), is_synchronous: bool = True, is_durable: bool = False,
        has_wires: bool = False
    ):
        for program, package in (("patroni", "patroni"), ("etcd", "etcd-server")):
            if not shutil.which(program):
                raise NotReady(f"no {program}, of package {package}: scripts/install-dependencies --failover")
        self.directory, self.is_synchronous = Path(directory), is_synchronous
        self.programs = postgres.programs()
        # A socket's path is at most 107 bytes long.
        self.sockets = Path(tempfile.mkdtemp(prefix="pg-"))
        self.password = secrets.token_hex(12)
        self.directory.mkdir(parents=True, exist_ok=True)
        postgres.give(self.directory, self.sockets)
        self.etcd = Etcd(self.directory)
        login = Login({name: secrets.token_hex(12) for name in (SUPERUSER, "replicator", "rewinder")})
        self.nodes = [
            DatabaseNode(self.directory / str(number), f"n{number}", self._settings(login, networks, is_durable),
                         self.programs, self.sockets, login, self.etcd.ports, has_wires)
            for number in range(1, NODES + 1)]

    def _settings(self, login: Login, networks: Sequence[str], is_durable: bool) -> dict:
        """What is the same of all nodes."""
        lets_in = ["local all all trust", "local replication all trust",
                   *(f"host {what} all {network} scram-sha-256" for what in ("all", "replication")
                     for network in ("127.0.0.1/32", *networks))]
        parameters = {
            "shared_buffers": "64MB", "max_connections": 60, "unix_socket_directories": str(self.sockets),
            # Nothing of it is left in /dev/shm by a kill.
            "dynamic_shared_memory_type": "mmap", "wal_keep_size": "256MB", "wal_log_hints": "on",
            "password_encryption": "scram-sha-256", **({} if is_durable else {"fsync": "off"})}
        return {
            "scope": "leave-album",
            "bootstrap": {
                "dcs": {
                    "ttl": TTL, "loop_wait": LOOK, "retry_timeout": RETRY, "maximum_lag_on_failover": 2**30,
                    "synchronous_mode": self.is_synchronous, "synchronous_mode_strict": self.is_synchronous,
                    # A primary that is gone is replaced, not started again.
                    "primary_start_timeout": 0,
                    "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": parameters}},
                "initdb": ["no-sync", {"encoding": "UTF8"}, {"locale": "C"}, {"auth": "trust"}]},
            "postgresql": {
                "bin_dir": str(self.programs), "authentication": login.of_patroni(), "use_unix_socket": True,
                "use_unix_socket_repl": True, "pg_hba": lets_in, "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True, "parameters": parameters},
            "watchdog": {"mode": "off"}}

    # MARK: Its life

    def start(self) -> None:
        """All that do not run; the first start makes the first node the primary."""
        self.etcd.start()
        if not any(node.has_run for node in self.nodes):
            self.nodes[0].start()
            eventually("the first server is the primary", lambda: self.nodes[0].is_primary, SLOWEST, 0.2)
        for node in self.nodes:
            if not node.is_running:
                node.start()
        self.await_whole()
        self.await_commits()

    def end(self) -> None:
        """For good. Nothing of it stays."""
        for node in self.nodes:
            node.end()
        self.etcd.end()
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    # MARK: Who is what

    @property
    def ports(self) -> Sequence[int]:
        return [node.port for node in self.nodes]

    @property
    def writing_port(self) -> int:
        return self.primary().port

    def primary(self, seconds: float = SLOWEST, beside: DatabaseNode | None = None) -> DatabaseNode:
        """The one that is, or comes to be within this time; `beside`: another than this."""
        return eventually("a server is the primary", lambda: next(
            (node for node in self.nodes if node is not beside and node.is_primary), None), seconds, 0.1)

    def writable(self) -> list[DatabaseNode]:
        """Those that take writes by the server's own word. Two at a time are one too many."""
        return [node for node in self.nodes if self._takes_writes(node)]

    def _takes_writes(self, node: DatabaseNode) -> bool:
        try:
            return self.ask(node.port, "SELECT pg_is_in_recovery()", seconds=3 * LOOK) == "f"
        except (NotReady, subprocess.TimeoutExpired):
            return False

    def synchronous_standby(self) -> DatabaseNode | None:
        return next((node for node in self.nodes if node.is_synchronous_standby), None)

    def await_whole(self) -> None:
        """Until all standbys follow the primary, one of them synchronously if that is asked for."""
        eventually("all standbys follow the primary", self._is_whole, SLOWEST, 0.2)

    def _is_whole(self) -> bool:
        primary = next((node for node in self.nodes if node.is_primary), None)
        if primary is None:
            return False
        try:
            states = self.ask(primary.port, "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        except (NotReady, subprocess.TimeoutExpired):
            return False
        # Of whom etcd does not know yet, nobody takes the primary's place.
        return len(states.split()) == NODES - 1 and (
            not self.is_synchronous or "sync" in states.split() and self.synchronous_standby() is not None)

    def await_commits(self, seconds: float = SLOWEST) -> None:
        """Until a commit ends as commits of the daemons do."""
        eventually("the database commits", self._commits, seconds, 0.1)

    def _commits(self) -> bool:
        primary = wait(lambda: next((node for node in self.nodes if node.is_primary), None), LOOK, 0.1)
        if primary is None:
            return False
        try:
            # A commit that waits for a standby heeds no time-out of the server's, and the client's end stops it not.
            self.ask(primary.port, "CREATE TABLE IF NOT EXISTS probe (at timestamptz); "
                     "INSERT INTO probe VALUES (now())", seconds=3 * LOOK)
        except (NotReady, subprocess.TimeoutExpired):
            return False
        return True

    def timeline(self) -> int:
        """Of the primary: one more at each failover, which a checkpoint would say too late."""
        return int(self.run("SELECT pg_walfile_name(pg_current_wal_lsn())")[:8], 16)

    def branch(self) -> tuple[int, str]:
        """The timeline that the primary left when it became it, and where."""
        said = self.run("SELECT pg_read_file('pg_wal/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || '.history')")
        timeline, position, *_ = said.strip().splitlines()[-1].split("\t")
        return int(timeline), position

    def version(self) -> str:
        return f"{super().version()}, three under {_version('patroni', '--version')}, {_version('etcd', '--version')}"


def _version(*command: str) -> str:
    said = subprocess.run(command, capture_output=True, text=True).stdout
    return f"{command[0]} {re.search(r'[0-9]+(?:[.][0-9]+)+', said).group(0)}"
