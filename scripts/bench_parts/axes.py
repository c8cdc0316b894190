"""What the cost is looked at against: each axis is a list of points, measured in turn, round after round."""
from collections.abc import Callable
from dataclasses import replace

from . import ledgers, measures
from .environment import Environment
from .setup import Setup
from .workers import Worker

# Jobs of a run for each thousand of the daemon's: so that a run takes each of them some seconds.
SHARE = {
    "floor": 2000, "durable-floor": 1000, "daemon": 1000, "daemon-postgres": 1000, "go": 2000, "aio-pika": 200,
    "celery": 100, "go-sqlite": 300, "aio-pika-sqlite": 100, "go-postgres": 300, "celery-postgres": 20}
BACKLOGS = (1_000, 10_000, 100_000, 1_000_000)
LEDGERS = (0, 10_000, 100_000, 1_000_000, 10_000_000)
ACCOUNTS = (1, 10, 100, 1_000, 10_000, 100_000)
CONCURRENCIES = (1, 4, 16, 64, 256, 512)
MILLION = 1_000_000


def jobs_of(worker: Worker, jobs: int) -> int:
    return max(20, jobs * SHARE[worker.name] // 1000)


class Run:
    """The workers, their environment and what is said on the way; every record goes to `records`."""

    def __init__(
        self, environment: Environment, workers: list[Worker], jobs: int, rounds: int, limit: int,
        say: Callable[[str], None]
    ):
        self.environment, self.workers, self.say = environment, workers, say
        self.jobs, self.rounds, self.limit = jobs, rounds, limit
        self.records = []

    def of(self, *names: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.name in names]

    def keep(self, axis: str, point: object, number: int, record: dict) -> None:
        record.update(axis=axis, point=point, round=number)
        self.records.append(record)
        if record["measure"] == "throughput":
            self.say(f"{axis} {point}, round {number}: {record['worker']} {record['jobsPerSecond']:.0f} jobs/s, "
                     f"{record['cpuMicrosecondsPerJob']:.0f} µs CPU, {record['peakBytes'] / 2**20:.1f} MiB, "
                     f"{record['startToFirstMilliseconds']:.0f} ms to the first"
                     + (f", {used:.0f} µs of the database" if (used := record["databaseMicrosecondsPerJob"]) else "")
                     + f", {record['switchesPerJob']:.1f} switches, {record['idleShare'] * 100:.0f} % idle, {record['startToLastSeconds']:.1f} s to the last")
        elif record["measure"] == "latency":
            self.say(f"{axis} {point}, round {number}: {record['worker']} p50 {record['p50']:.2f} ms, "
                     f"p99 {record['p99']:.2f} ms at {record['rate']:.0f} jobs/s")
        elif record["measure"] == "spent":
            self.say(f"{axis} {point}, round {number}: {record['spent']} calls of {record['limit']}")

    def interleaved(
        self, axis: str, points: list, workers: list[Worker], each: Callable[[Worker, object], dict]
    ) -> None:
        """`each(worker, point)` for every pair, round after round; each round begins one further on."""
        pairs = [(worker, point) for point in points for worker in workers]
        for number in range(1, self.rounds + 1):
            begin = (number - 1) % len(pairs) if pairs else 0
            for worker, point in pairs[begin:] + pairs[:begin]:
                self.keep(axis, point, number, each(worker, point))


def goals(run: Run) -> None:
    """Throughput of all, then latency at a tenth of the daemon's."""
    setup = Setup()
    run.interleaved("workers", ["64 in flight"], run.workers, lambda worker, _: measures.throughput(
        run.environment, worker, setup, jobs_of(worker, run.jobs)))
    paces = [record["jobsPerSecond"] for record in run.records if record["worker"] == "daemon"]
    if not paces:
        return
    rate = measures.spread(paces)["median"] / 10
    count = max(100, min(run.jobs // 4, int(rate * 10)))
    for number in range(1, run.rounds + 1):
        run.keep("latency", "bare", number, measures.bare(run.environment, setup, rate, count))
        for worker in run.of("floor", "daemon"):
            for durability in ("full", "normal") if worker.name == "daemon" else ("full",):
                run.keep("latency", durability, number, measures.latency(
                    run.environment, worker, replace(setup, durability=durability), rate, count))


def backlog(run: Run) -> None:
    """The first jobs of a longer queue. The floor tells what the broker itself loses."""
    run.interleaved(
        "backlog", [depth for depth in BACKLOGS if depth <= run.limit], run.of("floor", "daemon"),
        lambda worker, depth: measures.throughput(
            run.environment, worker, Setup(), min(depth, run.jobs), backlog=depth))


def ledger(run: Run) -> None:
    """The floor with a ledger tells what any costs that keeps its jobs by their ids."""
    workers = run.of("daemon", "durable-floor")
    points = [entries for entries in LEDGERS if entries <= run.limit]
    for entries in points:
        run.say(f"ledgers of {entries} entries")
        for worker in workers:
            ledgers.of_size(run.environment, worker, Setup(), entries)
    run.interleaved("ledger", points, workers, lambda worker, entries: measures.throughput(
        run.environment, worker, Setup(), run.jobs, ledger=ledgers.of_size(run.environment, worker, Setup(), entries)))


def accounts(run: Run) -> None:
    # One account's jobs go one after the other.
    run.interleaved(
        "accounts", [count for count in ACCOUNTS if count <= run.limit], run.of("daemon", "floor"),
        lambda worker, count: measures.throughput(
            run.environment, worker, Setup(accounts=count), run.jobs // (10 if count < 64 else 1)))


def concurrency(run: Run) -> None:
    run.interleaved(
        "concurrency", CONCURRENCIES, run.of("floor", "daemon", "go"),
        lambda worker, count: measures.throughput(
            run.environment, worker, Setup(in_flight=count), run.jobs // (10 if count < 16 else 1)))


def http(run: Run) -> None:
    """HTTP/1.1 without TLS, and HTTP/2 with it."""
    run.interleaved("http", ["h1", "h2"], run.of("floor", "daemon", "go"), lambda worker, version: measures.throughput(
        run.environment, worker, Setup(http=version), run.jobs))


def queues(run: Run) -> None:
    run.interleaved("queues", ["quorum", "classic"], run.of("floor", "daemon", "go", "aio-pika"),
                    lambda worker, kind: measures.throughput(
                        run.environment, worker, Setup(queues=kind), jobs_of(worker, run.jobs)))


def durability(run: Run) -> None:
    run.interleaved("durability", ["full", "normal"], run.of("daemon"), lambda worker, word: measures.throughput(
        run.environment, worker, Setup(durability=word), run.jobs))


def tracing(run: Run) -> None:
    """Without spans, and with those of a share of all traces."""
    shares = {"off": None, "none of them": 0.0, "1 %": 0.01, "all": 1.0}
    run.interleaved("tracing", list(shares), run.of("daemon"), lambda worker, point: measures.throughput(
        run.environment, worker, Setup(tracing=shares[point]), run.jobs))


def memory(run: Run) -> None:
    """A million jobs in one life of the daemon."""
    daemon, = run.of("daemon")
    jobs = min(MILLION, run.limit)
    run.keep("memory", jobs, 1, measures.throughput(run.environment, daemon, Setup(), jobs, timeout=3600))


def start(run: Run) -> None:
    """From nothing to the first result, often."""
    for repeat in range(10):
        run.interleaved("start", ["100 jobs"], run.workers, lambda worker, _: measures.throughput(
            run.environment, worker, Setup(), 100))


ALL = {function.__name__: function for function in (
    goals, backlog, ledger, accounts, concurrency, http, queues, durability, tracing, memory, start)}
