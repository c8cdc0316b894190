"""The workers that are measured: how each is started, and which version it is."""
import re
import shutil
import subprocess
import time
from pathlib import Path

from testbed import daemon, processes, programs, roles

from .compiled import YARDSTICKS, compile_c, compile_go
from .environment import DELAYS, PREFIXES, TOKEN, Environment
from .setup import Setup


class Yardstick:
    """A worker of ours, as small as can be: everything it must know is in its environment."""

    form = "json"

    def __init__(self, name: str, command: list[object], version: str):
        self.name, self.command, self.version = name, command, version
        self.variables: dict[str, str] = {}

    def prepare(self, environment: Environment, setup: Setup) -> None:
        """Whatever is there before it starts."""

    def start(
        self, environment: Environment, setup: Setup, log: Path, ledger: Path | None = None
    ) -> list[subprocess.Popen]:
        variables = {
            "BENCH_AMQP_PORT": str(environment.broker_port), "BENCH_PREFIX": PREFIXES[setup.queues],
            "BENCH_API": environment.api[setup.http], "BENCH_TOKEN": TOKEN, "BENCH_IN_FLIGHT": str(setup.in_flight),
            **self.variables}
        if setup.http == "h2":
            variables["BENCH_CA"] = str(environment.certificate)
        if ledger:
            variables["BENCH_LEDGER"] = str(ledger)
        known = {"{in_flight}": str(setup.in_flight), "{queue}": f"{PREFIXES[setup.queues]}.jobs"}
        command = [known.get(str(word), word) for word in self.command]
        return [processes.spawn(command, log, variables, YARDSTICKS)]


class Keeping(Yardstick):
    """With a ledger in a file that begins empty, or with the one that is named."""

    def start(
        self, environment: Environment, setup: Setup, log: Path, ledger: Path | None = None
    ) -> list[subprocess.Popen]:
        return super().start(environment, setup, log, ledger or empty_ledger(environment, self.name))


class KeepingInDatabase(Yardstick):
    """With its tables in a database of its own, on the server that the daemon's is on; they begin empty."""

    DATABASE = "yardstick"

    def prepare(self, environment: Environment, setup: Setup) -> None:
        server = environment.database_of(setup)
        server.run(f"DROP DATABASE IF EXISTS {self.DATABASE} WITH (FORCE)")
        server.run(f"CREATE DATABASE {self.DATABASE} OWNER {roles.WORKER}")
        host = f"127.0.0.1:{server.writing_port}"
        self.variables = {"BENCH_DATABASE": f"postgresql://{roles.WORKER}:{server.password}@{host}/{self.DATABASE}"
                          + "?sslmode=disable"}


class Celery(Yardstick):
    form = "celery"


class CeleryInDatabase(KeepingInDatabase):
    form = "celery"


class Daemon:
    form = "json"
    name = "daemon"

    def __init__(self):
        # As the package has it.
        options = ("-c", "release", "--static-swift-stdlib")
        self.binary = programs.build(*options, products=(programs.DAEMON,)) / programs.DAEMON
        shown = subprocess.run([self.binary, "version"], capture_output=True, text=True)
        self.version = shown.stdout.strip().splitlines()[0]
        # What is put before the command: a profiler.
        self.wrapper: list[object] = []

    def prepare(self, environment: Environment, setup: Setup) -> None:
        """Whatever is there before it starts."""

    def _configured(
        self, environment: Environment, setup: Setup, ledger: daemon.Table, name: str = "daemon"
    ) -> daemon.Daemon:
        tokens = daemon.write_private(environment.directory / "tokens", TOKEN + "\n")
        authority = {"ca_file": str(environment.certificate)} if setup.http == "h2" else {}
        return daemon.Daemon(self.binary, environment.directory, {
            "broker": {"uris": [f"amqp://127.0.0.1:{environment.broker_port}"], "prefix": PREFIXES[setup.queues],
                       "topology": "verify" if setup.queues == "quorum" else "none"},
            "api": {"base_url": environment.api_of(setup), **authority},
            "credentials": {"providers": ["static"]},
            "credentials.static": {"token_file": str(tokens)},
            "worker": {"concurrency": setup.in_flight, "per_account": setup.per_account},
            "limits": {"requests_per_second": 0, "requests_per_minute_per_account": 0, "requests_per_day": setup.day,
                       "pace": "asap", **({"day_zone": _far_from_midnight()} if setup.day else {})},
            "retry": {"delays": DELAYS},
            "ledger": {**ledger, "durability": setup.durability},
            "admin": {"control_socket": str(environment.sockets / f"{name}.sock")},
            **({} if setup.tracing is None else {
                "trace": {"endpoint": environment.api["h1"], "ratio": setup.tracing}}),
            "log": {"level": "warning", "format": "text"},
        }, name=name, inside=self.wrapper)

    def declare(self, environment: Environment, setup: Setup) -> None:
        self._configured(environment, setup, {"path": str(environment.directory / "none.sqlite3")}).order(
            "topology", "declare")

    def start(
        self, environment: Environment, setup: Setup, log: Path, ledger: Path | None = None
    ) -> list[subprocess.Popen]:
        """With a ledger of its own that begins empty, or with the one that is named. Its log has the name of the
        worker, as `log` has."""
        path = ledger or empty_ledger(environment, "ledger")
        return [self._configured(environment, setup, {"path": str(path)}).start("--new-ledger")]


class DaemonOnPostgres(Daemon):
    """The same daemon, or several, with the ledger in a database on the same machine and the same disk."""

    name = "daemon-postgres"

    def prepare(self, environment: Environment, setup: Setup) -> None:
        """A schema that was just declared."""
        server = environment.database_of(setup)
        server.run("DROP SCHEMA IF EXISTS leave_album CASCADE", roles.DATABASE)
        self._members(environment, setup)[0].order(
            "ledger", "declare", "--url", server.owner_url, "--worker-role", roles.WORKER)

    def start(
        self, environment: Environment, setup: Setup, log: Path, ledger: Path | None = None
    ) -> list[subprocess.Popen]:
        members = self._members(environment, setup)
        for member in members:
            # Found by the worker's name.
            member.log_path = log
        return [member.start() for member in members]

    def _members(self, environment: Environment, setup: Setup) -> list[daemon.Daemon]:
        server = environment.database_of(setup)
        return [self._configured(environment, setup, {
            "url": server.worker_url, "password_file": str(server.password_file(environment.directory)),
            "instance": f"member{number}"}, f"member{number}") for number in range(setup.members)]


def _far_from_midnight() -> str:
    """A zone in which the day does not end while it is measured. Etc/GMT+5 is five hours behind."""
    return f"Etc/GMT{time.gmtime().tm_hour - 12:+d}"


Worker = Yardstick | Daemon


def empty_ledger(environment: Environment, folder: str) -> Path:
    shutil.rmtree(environment.directory / folder, ignore_errors=True)
    (environment.directory / folder).mkdir()
    return environment.directory / folder / "ledger.sqlite3"


def make(name: str) -> Worker:
    """The worker of that name. Raises with what is missing."""
    if name == "daemon":
        return Daemon()
    if name == "daemon-postgres":
        return DaemonOnPostgres()
    if name in ("floor", "durable-floor"):
        kind = Yardstick if name == "floor" else Keeping
        libraries = {"librabbitmq": "librabbitmq4", "libcurl": "libcurl4"}
        if name == "durable-floor":
            libraries["SQLite"] = "libsqlite3-0"
        return kind(name, [compile_c("floor")], ", ".join(
            f"{library} {package(name)}" for library, name in libraries.items()))
    if name in ("go", "go-sqlite", "go-postgres"):
        return _go(name)
    if name in ("aio-pika", "aio-pika-sqlite"):
        client = (f"aio-pika {package('python3-aio-pika')}, aiohttp {package('python3-aiohttp')}, uvloop "
                  + package("python3-uvloop"))
        if name == "aio-pika":
            return Yardstick(name, ["/usr/bin/python3", "worker_aio_pika.py"], client)
        return Keeping(
            name, ["/usr/bin/python3", "worker_aio_pika.py"], f"{client}, aiosqlite {package('python3-aiosqlite')}")
    if name == "celery":
        return Celery(
            name, _celery("gevent"), f"celery {package('python3-celery')}, gevent {package('python3-gevent')}")
    if name == "celery-postgres":
        return CeleryInDatabase(
            name, _celery("threads"), f"celery {package('python3-celery')}, SQLAlchemy {package('python3-sqlalchemy')}, "
            f"psycopg2 {package('python3-psycopg2')}")
    raise ValueError(f"no worker is named {name}")


def _go(name: str) -> Yardstick:
    go = subprocess.run(["go", "version"], capture_output=True, text=True).stdout
    version = (f"{re.search('go[0-9.]+', go).group()}, amqp091-go {package('golang-github-rabbitmq-amqp091-go-dev')}, "
               f"go-sqlite3 {package('golang-github-mattn-go-sqlite3-dev')}, pq {package('golang-github-lib-pq-dev')}")
    kind = {"go": Yardstick, "go-sqlite": Keeping, "go-postgres": KeepingInDatabase}[name]
    return kind(name, [compile_go()], version)


def _celery(pool: str) -> list[object]:
    return ["/usr/bin/python3", "-m", "celery", "--quiet", "--app", "worker_celery", "worker", "--pool", pool,
            "--concurrency", "{in_flight}", "--queues", "{queue}", "--without-gossip", "--without-mingle",
            "--without-heartbeat", "--loglevel", "WARNING"]


#: Those that keep nothing; those that keep an intent before each call and an outcome before each result, in a file of
#: their host's; and those that do so in a database, which several hosts can share.
KINDS = {
    "keeping nothing": ("floor", "go", "aio-pika", "celery"),
    "on the same work": ("daemon", "durable-floor", "go-sqlite", "aio-pika-sqlite"),
    "on the same work, in PostgreSQL": ("daemon-postgres", "go-postgres", "celery-postgres"),
}
ALL = tuple(name for names in KINDS.values() for name in names)


def package(name: str) -> str:
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
    if shown.returncode != 0:
        raise RuntimeError(f"Debian package {name} is not installed: scripts/install-dependencies --bench")
    return shown.stdout
