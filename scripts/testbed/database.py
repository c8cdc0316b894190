"""A PostgreSQL server of one's own: it lives in a directory and listens on a free port of 127.0.0.1."""
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import ports, processes
from .daemon import write_private
from .waiting import NotReady

#: Names a folder with other programs than Debian's newest, as the Swift tests have it.
PROGRAMS_VARIABLE = "LEAVE_ALBUMD_POSTGRES_BIN"
ROOT = Path("/usr/lib/postgresql")

SUPERUSER = "test_admin"
#: Who declares the schema and owns it, who works with it, and where.
OWNER, WORKER, DATABASE = "album_owner", "album_worker", "leave_album"

#: What docs/cluster.md asks for of the worker's role.
ROLE_SETTINGS = (
    "synchronous_commit = on", "plan_cache_mode = force_generic_plan", "enable_seqscan = off",
    "enable_hashjoin = off", "enable_mergejoin = off", "jit = off", "lock_timeout = '1s'",
    "idle_in_transaction_session_timeout = '10s'", "deadlock_timeout = '100ms'", "tcp_keepalives_idle = 10",
    "tcp_keepalives_interval = 10", "tcp_keepalives_count = 3",
)

#: Longest wait for a start: making and starting one takes three seconds on two idle cores.
SLOWEST_START = 120


def programs() -> Path:
    """The folder of the server's programs; Debian keeps each version's apart."""
    named = os.environ.get(PROGRAMS_VARIABLE)
    if named:
        return Path(named)
    versions = sorted((int(path.name) for path in ROOT.iterdir() if path.name.isdecimal()), reverse=True) \
        if ROOT.is_dir() else []
    if not versions:
        raise NotReady(f"no PostgreSQL in {ROOT}: scripts/install-dependencies")
    return ROOT / str(versions[0]) / "bin"


def _account() -> pwd.struct_passwd | None:
    """As whom the server runs: PostgreSQL refuses to be root's. None: as whoever this is."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NotReady("PostgreSQL refuses to be root's, and there is no user postgres or nobody")


class Database:
    """Only one thread at a time starts, stops or asks it.

    The socket asks nobody for a password; on 127.0.0.1 the worker's role logs in by SCRAM, and so it does from
    `networks` in CIDR notation. `is_durable`: what is committed outlives the machine, as it costs to.
    """

    def __init__(
        self, directory: Path | str, settings: Sequence[str] = (), networks: Sequence[str] = (),
        is_durable: bool = False
    ):
        self.directory = Path(directory)
        self.data = self.directory / "data"
        self.port = ports.free_port()
        self.programs = programs()
        # A socket's path is at most 107 bytes long.
        self.sockets = Path(tempfile.mkdtemp(prefix="pg-"))
        self._child: subprocess.Popen | None = None
        self._settings = [
            "listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.sockets}",
            "shared_buffers=64MB", "max_connections=60",
            *([] if is_durable else ["fsync=off", "full_page_writes=off"]), *settings]
        self.directory.mkdir(parents=True, exist_ok=True)
        self._give(self.directory, self.sockets)
        self._ask_program(
            "initdb", "--no-sync", "--no-instructions", "--auth=trust", "--encoding=UTF8", "--locale=C",
            f"--username={SUPERUSER}", f"--pgdata={self.data}")
        lines = ["local all all trust",
                 *(f"host all all {network} scram-sha-256" for network in ("127.0.0.1/32", *networks))]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")
        self.password = secrets.token_hex(12)

    @staticmethod
    def _give(*paths: Path) -> None:
        """To the server's user, who must come to them too."""
        account = _account()
        if account is None:
            return
        for path in paths:
            os.chown(path, account.pw_uid, account.pw_gid)
            # A temporary directory is for its owner alone.
            for parent in list(path.parents)[:2]:
                mode = parent.stat().st_mode
                if mode & 0o777 == 0o700:
                    parent.chmod(0o711)

    def _command(self, name: str, *words: object) -> list[str]:
        """As the server's user. Changing the user takes back the signal at the parent's death, so it is asked for
        again: SIGQUIT, at which the server ends its children and frees its shared memory."""
        account = _account()
        user = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"] if account else []
        return ["setpriv", "--pdeathsig", "QUIT", *user, "--", str(self.programs / name), *map(str, words)]

    def _ask_program(self, name: str, *words: object) -> str:
        done = subprocess.run(
            self._command(name, *words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", cwd="/", timeout=SLOWEST_START)
        if done.returncode != 0:
            raise NotReady(f"{name}: {done.stdout.strip()}")
        return done.stdout

    # MARK: Its life

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def start(self) -> None:
        output = self.directory / "server.out"
        deadline = time.monotonic() + SLOWEST_START
        while True:
            output.write_bytes(b"")
            words = [word for setting in self._settings for word in ("-c", setting)]
            self._child = processes.spawn(self._command("postgres", "-D", self.data, *words), output, directory="/")
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

    # MARK: Its roles

    def prepare(self) -> None:
        """The two roles and the database, as docs/cluster.md has them."""
        for sql in (
            f"CREATE ROLE {OWNER} LOGIN", f"CREATE ROLE {WORKER} LOGIN PASSWORD '{self.password}'",
            *(f"ALTER ROLE {WORKER} SET {setting}" for setting in ROLE_SETTINGS),
        ):
            self.run(sql)
        self.add(DATABASE)

    def add_worker(self, role: str) -> None:
        """Another role that may what the worker's may, with the same settings and password."""
        for sql in (
            f"CREATE ROLE {role} LOGIN PASSWORD '{self.password}' IN ROLE {WORKER}",
            *(f"ALTER ROLE {role} SET {setting}" for setting in ROLE_SETTINGS),
        ):
            self.run(sql)

    def add(self, name: str) -> None:
        """A database for the two roles."""
        for sql in (
            f"CREATE DATABASE {name} OWNER {OWNER}", f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            f"GRANT CONNECT ON DATABASE {name} TO {WORKER}",
        ):
            self.run(sql)

    @property
    def owner_url(self) -> str:
        return self.owner_url_of(DATABASE)

    @property
    def worker_url(self) -> str:
        return self.worker_url_of(DATABASE)

    def owner_url_of(self, name: str) -> str:
        """By the socket, where nobody is asked for a password."""
        return f"postgresql://{OWNER}@/{name}?host={self.sockets}&port={self.port}"

    def worker_url_of(self, name: str, port: int | None = None, role: str = WORKER) -> str:
        """`port`: of a wire before the server."""
        return f"postgresql://{role}@127.0.0.1:{port or self.port}/{name}"

    def password_file(self, directory: Path) -> Path:
        return write_private(directory / "database-password", self.password + "\n")

    def run(self, sql: str, database: str = "postgres", role: str = SUPERUSER) -> str:
        """Runs SQL and gives what psql prints of rows: one a line, columns apart by `|`."""
        return self._ask_program(
            "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-p", self.port, "-U", role, "-d",
            database, "-c", sql).strip("\n")

    def version(self) -> str:
        return self.run("SHOW server_version")
