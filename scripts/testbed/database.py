"""A PostgreSQL server of one's own: it lives in a directory and listens on a free port of 127.0.0.1."""
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import ports, postgres, processes
from .roles import SUPERUSER, Roles
from .waiting import NotReady


class Database(Roles):
    """Only one thread at a time starts, stops or asks it.

    The socket asks nobody for a password; on 127.0.0.1 the worker's role logs in by SCRAM, and so it does from
    `networks` in CIDR notation. `is_durable`: what is committed outlives the machine, as it costs to.
    """

    def __init__(
        self, directory: Path | str, settings: Sequence[str] = (), networks: Sequence[str] = (),
        is_durable: bool = False
    ):
        self.directory = Path(directory)
        self.data, self.is_durable = self.directory / "data", is_durable
        self.port = ports.free_port()
        self.programs = postgres.programs()
        # A socket's path is at most 107 bytes long.
        self.sockets = Path(tempfile.mkdtemp(prefix="pg-"))
        self._child: subprocess.Popen | None = None
        self.extra_settings = list(settings)
        self._settings = [
            "listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.sockets}",
            "shared_buffers=64MB", "max_connections=60",
            *([] if is_durable else ["fsync=off", "full_page_writes=off"]), *settings]
        self.directory.mkdir(parents=True, exist_ok=True)
        postgres.give(self.directory, self.sockets)
        self.password = secrets.token_hex(12)
        self._make(networks)

    def _make(self, networks: Sequence[str]) -> None:
        postgres.ask(
            self.programs / "initdb", "--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C",
            f"--username={SUPERUSER}", f"--pgdata={self.data}")
        # A standby's or a backup's connection is none of those to all databases.
        lines = ["local all all trust", "local replication all trust",
                 *(f"host all all {network} scram-sha-256" for network in ("127.0.0.1/32", *networks))]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")

    # MARK: Its life

    @property
    def ports(self) -> Sequence[int]:
        return [self.port]

    @property
    def writing_port(self) -> int:
        return self.port

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        output = self.directory / "server.out"
        deadline = time.monotonic() + postgres.SLOWEST_START
        while True:
            output.write_bytes(b"")
            words = [word for setting in self._settings for word in ("-c", setting)]
            self._child = processes.spawn(
                postgres.as_server(self.programs / "postgres", "-D", self.data, *words), output, directory="/")
            while self._child.poll() is None and time.monotonic() < deadline:
                if b"database system is ready to accept" in output.read_bytes():
                    return
                time.sleep(0.02)
            self.kill()
            text = output.read_text(errors="replace")
            # After a kill the children of the old one may still be about to go.
            if "is still in use" not in text or time.monotonic() > deadline:
                raise NotReady(f"the database did not start: {text[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """An orderly end, which ends sessions; its data stay."""
        processes.end(self._child, signal.SIGINT, seconds=60)
        self._child = None

    def kill(self) -> None:
        """SIGKILL. The sessions' processes see that, and go."""
        processes.end(self._child, signal.SIGKILL)
        self._child = None

    def end(self) -> None:
        """For good. Nothing of it stays."""
        self.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
