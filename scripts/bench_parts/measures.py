"""One run of one worker: jobs/s with CPU, memory and time to start, or latency at an even rate. Plain dicts."""
import json
import os
import select
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from testbed.processes import end

from . import usage
from .environment import Environment
from .setup import Setup
from .workers import Worker

# Jobs before an even rate begins: connections are open and code is warm.
WARM_UP = 200
# Seconds that a worker may take to end.
LONGEST_STOP = 40
# Seconds without a call after which a day is spent: no daemon asks for its part more seldom.
QUIET = 15
LONGEST_DAY = 300


def throughput(
    environment: Environment, worker: Worker, setup: Setup, jobs: int, backlog: int | None = None,
    timeout: float = 900, ledger: Path | None = None, flood: int = 0
) -> dict:
    """Fills the queue, starts the worker, and takes `jobs` results of what may be a longer `backlog`. Before them are
    `flood` jobs of one account, whose results do not count."""
    depth = max(jobs, backlog or 0)
    if flood:
        environment.fill(replace(setup, accounts=1), "flood", flood)
    environment.fill(setup, worker.form, depth)
    with _running(environment, worker, setup, jobs, timeout, ledger) as run:
        first, last, cpu = run.follow()
        peak = sum(usage.peak_bytes(worker.pid) for worker in run.workers)
    seconds = (last - first) / 1e9
    return {
        "measure": "throughput", "worker": worker.name, "setup": setup.as_dict(), "jobs": jobs, "backlog": depth,
        "jobsPerSecond": (jobs - 1) / seconds, "cpuMicrosecondsPerJob": cpu / (jobs - 1) * 1e6,
        "databaseMicrosecondsPerJob": run.database_cpu / (jobs - 1) * 1e6, "switchesPerJob": run.switches / (jobs - 1),
        "peakBytes": peak, "startToFirstMilliseconds": (first - run.began) / 1e6,
        "startToLastSeconds": (last - run.began) / 1e9, "idleShare": run.idle_share, "exit": run.status,
    }


class _Run:
    """The processes of a worker that was just started, and the collector of its results."""

    def __init__(
        self, environment: Environment, workers: list[subprocess.Popen], collector: subprocess.Popen, log: Path,
        began: int
    ):
        self.environment, self.workers, self.collector, self.log = environment, workers, collector, log
        self.began = began
        #: The worst of them.
        self.status: int | None = None
        #: Of the workers' threads meanwhile.
        self.switches = 0
        #: Seconds that the database took meanwhile, if there is one.
        self.database_cpu = 0.0
        #: Of the machine's time meanwhile.
        self.idle_share = 0.0

    @property
    def ended(self) -> int | None:
        """The status of one that has ended; None if all run."""
        return next((worker.returncode for worker in self.workers if worker.poll() is not None), None)

    def cpu_seconds(self) -> float:
        return sum(usage.cpu_seconds(worker.pid) for worker in self.workers)

    def _switches(self) -> int:
        return sum(usage.switches(worker.pid) for worker in self.workers)

    def follow(self) -> tuple[int, int, float]:
        """(time of the first result, time of the last one, CPU seconds in between)."""
        while True:
            # A worker that ends is no reason to wait for its results.
            while not select.select([self.collector.stdout], [], [], 1)[0] and self.ended is None:
                pass
            if self.ended is not None:
                raise RuntimeError(f"a worker ended with {self.ended}: {self.log.read_text()[-2000:]}")
            line = self.collector.stdout.readline().decode()
            if line.startswith("first "):
                before, switched, idle = self.cpu_seconds(), self._switches(), usage.Idle()
                database = self.environment.database_cpu_seconds()
                continue
            if line.startswith("{"):
                cpu, self.idle_share = self.cpu_seconds() - before, idle.share()
                self.switches = self._switches() - switched
                self.database_cpu = self.environment.database_cpu_seconds() - database
                found = json.loads(line)
                return found["first"], found["last"], cpu
            raise RuntimeError(f"{self.collector.stderr.read().decode().strip()}; the worker's log ends: "
                               f"{self.log.read_text()[-2000:]}")


@contextmanager
def _running(
    environment: Environment, worker: Worker, setup: Setup, jobs: int, timeout: float, ledger: Path | None = None
) -> Iterator[_Run]:
    """A worker at what was filled in, with a collector of `jobs` results; both end, and what is left is purged."""
    log = environment.directory / f"{worker.name}.log"
    log.write_bytes(b"")
    collector = environment.start_collecting(setup, jobs, timeout)
    worker.prepare(environment, setup)
    # Else the first commits wait until what was written before, such as a database's first files, is on the disk.
    os.sync()
    began = time.monotonic_ns()
    run = _Run(environment, worker.start(environment, setup, log, ledger), collector, log, began)
    try:
        yield run
    finally:
        collector.kill()
        collector.wait()
        # The last results' acks are on their way.
        time.sleep(0.2)
        statuses = [end(process, seconds=LONGEST_STOP) for process in run.workers]
        run.status = next((status for status in statuses if status), 0)
    environment.purge(setup)


def latency(environment: Environment, worker: Worker, setup: Setup, rate: float, jobs: int) -> dict:
    """An open loop at `rate` jobs/s. Milliseconds from when a job was due to its result."""
    environment.fill(setup, worker.form, WARM_UP)
    with _running(environment, worker, setup, WARM_UP, 120) as run:
        run.follow()
        run.collector.wait()
        times = environment.pace(setup, worker.form, rate, jobs)
    return {
        "measure": "latency", "worker": worker.name, "setup": setup.as_dict(), "jobs": jobs, "rate": rate,
        **percentiles(times), "exit": run.status,
    }


def spent(environment: Environment, worker: Worker, setup: Setup, jobs: int) -> dict:
    """How many calls were made of a day with fewer than there are jobs, when there were no more for a while."""
    simulator = environment.simulator(setup.latency)
    before = simulator.counters().get("calls", 0)
    seen, since = before, time.monotonic()
    environment.fill(setup, worker.form, jobs)
    # The results of as many as cannot be reached are waited for in vain, and not for long.
    with _running(environment, worker, setup, jobs, LONGEST_DAY) as run:
        while seen == before or time.monotonic() - since < QUIET:
            if run.ended is not None:
                raise RuntimeError(f"a worker ended with {run.ended}: {run.log.read_text()[-2000:]}")
            if time.monotonic() - since > LONGEST_DAY:
                raise RuntimeError(f"no call was made: {run.log.read_text()[-2000:]}")
            time.sleep(0.5)
            calls = simulator.counters().get("calls", 0)
            if calls != seen:
                seen, since = calls, time.monotonic()
    return {"measure": "spent", "worker": worker.name, "setup": setup.as_dict(), "jobs": jobs, "limit": setup.day,
            "spent": seen - before, "exit": run.status}


def bare(environment: Environment, setup: Setup, rate: float, jobs: int) -> dict:
    """What no worker can do without: two ways through the broker, and the call."""
    hop, call = environment.bare_times(setup, rate, jobs)
    return {"measure": "bare", "setup": setup.as_dict(), "rate": rate, "jobs": jobs,
            "hop": percentiles(hop), "call": percentiles(call)}


def percentiles(nanoseconds: list[int]) -> dict[str, float]:
    ordered = sorted(nanoseconds)

    def at(share):
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": ordered[-1] / 1e6}


def spread(values: list[float]) -> dict[str, float]:
    """{median, min, max} of the rounds."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
