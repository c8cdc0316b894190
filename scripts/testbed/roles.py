"""Who works in a database of the tests, and how each is let in."""
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from . import postgres
from .daemon import write_private

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


class Roles(ABC):
    """Of a server, or of several of which one is the primary. The socket asks nobody for a password; on 127.0.0.1 the
    worker's role logs in by SCRAM."""

    programs: Path
    #: Where the sockets are.
    sockets: Path
    #: Of the worker's role.
    password: str

    @property
    @abstractmethod
    def ports(self) -> Sequence[int]:
        """Of all servers."""

    @property
    @abstractmethod
    def writing_port(self) -> int:
        """Of the one that takes writes now."""

    def prepare(self) -> None:
        """The two roles and the database, as docs/cluster.md has them."""
        for sql in (
            f"CREATE ROLE {OWNER} LOGIN", f"CREATE ROLE {WORKER} LOGIN PASSWORD '{self.password}'",
            *(f"ALTER ROLE {WORKER} SET {setting}" for setting in ROLE_SETTINGS),
            f"GRANT pg_read_all_stats TO {WORKER}",
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
        return f"postgresql://{OWNER}@/{name}?host={self.sockets}&port={self.writing_port}"

    def worker_url_of(self, name: str, port: int | None = None, role: str = WORKER) -> str:
        """`port`: of a wire before the server."""
        ports = [port] if port else self.ports
        hosts = ",".join(f"127.0.0.1:{one}" for one in ports)
        return f"postgresql://{role}@{hosts}/{name}" + ("?target_session_attrs=read-write" if len(ports) > 1 else "")

    def password_file(self, directory: Path) -> Path:
        return write_private(directory / "database-password", self.password + "\n")

    def run(self, sql: str, database: str = "postgres", role: str = SUPERUSER) -> str:
        """Runs SQL and gives what psql prints of rows: one a line, columns apart by `|`."""
        return self.ask(self.writing_port, sql, database, role)

    def ask(
        self, port: int, sql: str, database: str = "postgres", role: str = SUPERUSER,
        seconds: float = postgres.SLOWEST_START
    ) -> str:
        """The same of the server on one port, which has so long for it."""
        return postgres.ask(
            self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-p", port, "-U", role, "-d",
            database, "-c", sql, seconds=seconds).strip("\n")

    def version(self) -> str:
        return self.run("SHOW server_version")
