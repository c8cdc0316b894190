"""Large ledgers, made in minutes: a finished job that the daemon wrote is multiplied inside SQLite."""
import shutil
import sqlite3
from pathlib import Path

from . import measures
from .compiled import OUTPUT
from .environment import Environment
from .setup import Setup
from .workers import Worker

ACCOUNTS = 1000
# Made once for each size: ten million entries take minutes and gigabytes.
DIRECTORY = OUTPUT / "ledgers"


def of_size(environment: Environment, worker: Worker, setup: Setup, entries: int) -> Path | None:
    """A ledger of that worker with so many finished jobs, to which runs add theirs; None for an empty one."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    return _of_floor(entries) if worker.name == "durable-floor" else _of_daemon(environment, worker, setup, entries)


def _of_floor(entries: int) -> Path | None:
    """The same tables as in yardsticks/floor.c, filled in the order of their keys."""
    path = DIRECTORY / f"floor-{entries}.sqlite3"
    if entries == 0 or path.exists():
        return path if entries else None
    draft = DIRECTORY / f"floor-{entries}.draft.sqlite3"
    draft.unlink(missing_ok=True)
    connection = _opened(draft)
    run = connection.execute
    run("CREATE TABLE jobs (job_id BLOB PRIMARY KEY, intent INTEGER NOT NULL, finished INTEGER NOT NULL) WITHOUT ROWID")
    run("CREATE TABLE results (job_id BLOB PRIMARY KEY, body BLOB NOT NULL, published INTEGER NOT NULL) WITHOUT ROWID")
    run("BEGIN")
    run("""WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ?)
        INSERT INTO jobs SELECT CAST(spread(n) AS BLOB) AS job_id, 0, 1 FROM count ORDER BY job_id""", (entries,))
    run("INSERT INTO results SELECT job_id, zeroblob(64), 1 FROM jobs ORDER BY job_id")
    run("COMMIT")
    connection.close()
    draft.rename(path)
    return path


def _of_daemon(environment: Environment, daemon: Worker, setup: Setup, entries: int) -> Path | None:
    path = DIRECTORY / f"{entries}.sqlite3"
    if path.exists():
        return path
    draft = DIRECTORY / f"{entries}.draft.sqlite3"
    draft.unlink(missing_ok=True)
    if entries == 0:
        shutil.rmtree(environment.directory / "ledger", ignore_errors=True)
        return None
    measures.throughput(environment, daemon, setup, 2)
    with sqlite3.connect(environment.directory / "ledger/ledger.sqlite3") as made, sqlite3.connect(draft) as copy:
        made.backup(copy)
    multiply(draft, entries)
    draft.chmod(0o600)
    draft.rename(path)
    return path


def multiply(path: Path, entries: int) -> None:
    """Adds copies of the first job, each with an id that begins at random, as UUIDs do."""
    connection = _opened(path)
    run = connection.execute
    number, template = run("SELECT number, job_id FROM jobs WHERE finished = 1 LIMIT 1").fetchone()
    last, = run("SELECT max(number) FROM jobs").fetchone()
    # Indexes are built at the end, sorted.
    indexes = run("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        run(f"DROP INDEX {name}")
    run("BEGIN")
    run("CREATE TEMP TABLE seeds (number INTEGER PRIMARY KEY, job_id BLOB, account BLOB)")
    run("""WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < ?)
        INSERT INTO seeds SELECT ? + n, CAST(spread(n) AS BLOB), CAST('user' || (n % ?) AS BLOB) FROM count""",
        (entries, last, ACCOUNTS))
    changed = {
        "number": "seeds.number", "job": "seeds.number", "job_id": "seeds.job_id", "account": "seeds.account",
        "message_id": "replace(message_id, :id, CAST(seeds.job_id AS TEXT))",
        "correlation_id": "replace(correlation_id, :id, CAST(seeds.job_id AS TEXT))",
        "body": "CAST(replace(CAST(body AS TEXT), :id, CAST(seeds.job_id AS TEXT)) AS BLOB)",
    }
    for table, key in (("jobs", "number"), ("results", "job"), ("history", "job")):
        columns = [row[1] for row in run(f"PRAGMA table_info({table})")]
        values = ", ".join(changed.get(name, f"{table}.{name}") for name in columns)
        run(f"INSERT INTO {table} SELECT {values} FROM seeds CROSS JOIN {table} WHERE {table}.{key} = :number "
            "ORDER BY seeds.number", {"id": template.decode(), "number": number})
    run("UPDATE tally SET entries = entries + ?, ever = ever + ?", (entries, entries))
    run("COMMIT")
    for _, text in indexes:
        run(text)
    run("PRAGMA journal_mode = WAL")
    connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    """Fast, and of no use after a crash."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.create_function("spread", 1, _spread, deterministic=True)
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _spread(n: int) -> str:
    mixed = (n * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    return f"{mixed:016x}-0-{n}"
