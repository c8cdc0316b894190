"""The axes of a ledger that daemons share: what it costs beside the embedded one, and what several of them reach."""
from dataclasses import replace

from . import measures
from .axes import Run, jobs_of
from .setup import Setup

WORKERS = ("daemon", "daemon-postgres")
#: Calls that take so long that the machine has nothing to do for most of the time: daemons that wait for each other are
#: seen, and what two cores can do is not.
SLOW = Setup(members=1, in_flight=32, accounts=10_000, latency=200)
#: Seconds of each of its runs.
SECONDS = 15
DAY = 10_000
#: As in the tests of the rules themselves, where no time passes but that of calls.
OTHERS, FLOOD = 3_000, 30_000


def postgres(run: Run) -> None:
    """One daemon over PostgreSQL beside the embedded ledger, by turns; the broker is the same."""
    run.interleaved("postgres", ["64 in flight"], run.of(*WORKERS), lambda worker, _: measures.throughput(
        run.environment, worker, Setup(), jobs_of(worker, run.jobs)))


def paced(run: Run) -> None:
    """A job's time at a tenth of what the embedded ledger can, and with a standby that each commit waits for."""
    daemon, shared = run.of("daemon")[0], run.of("daemon-postgres")[0]
    rate = measures.throughput(run.environment, daemon, Setup(), run.jobs)["jobsPerSecond"] / 10
    count = max(100, int(rate * 10))
    points = [(daemon, "embedded", Setup()), (shared, "alone", Setup()), (shared, "standby", Setup(standby=True))]
    for number in range(1, run.rounds + 1):
        for worker, point, setup in points:
            run.keep("paced", point, number, measures.latency(run.environment, worker, setup, rate, count))


def members(run: Run) -> None:
    """Jobs of one, two, three and four daemons, where each can have so many calls in flight and no more."""
    shared, = run.of("daemon-postgres")

    def measure(_, count: int) -> dict:
        setup = replace(SLOW, members=count)
        jobs = count * SECONDS * SLOW.in_flight * 1000 // SLOW.latency
        return measures.throughput(run.environment, shared, setup, jobs)
    run.interleaved("members", [1, 2, 3, 4], [shared], measure)


def day(run: Run) -> None:
    """Calls of a day that four daemons have together, and more jobs than it allows."""
    shared, = run.of("daemon-postgres")
    setup = Setup(members=4, in_flight=32, latency=5, day=DAY)
    for number in range(1, run.rounds + 1):
        run.keep("day", DAY, number, measures.spent(run.environment, shared, setup, DAY + 2_000))


def flood(run: Run) -> None:
    """Jobs of 400 accounts on four daemons, alone and behind ten times as many of one account, which were there
    first."""
    shared, = run.of("daemon-postgres")
    setup = Setup(members=4, in_flight=8, accounts=400, latency=100)
    run.interleaved("flood", [0, FLOOD], [shared], lambda worker, count: measures.throughput(
        run.environment, worker, setup, OTHERS, flood=count))


ALL = {function.__name__: function for function in (postgres, paced, members, day, flood)}
