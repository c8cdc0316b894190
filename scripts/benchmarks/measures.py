"""One run of one worker: jobs/s with CPU, memory and time to start, or latency at an even rate. Plain dicts."""

import json
import select
import statistics
import time

from . import process
from .world import end

# Jobs before an even rate begins: connections are open and code is warm.
WARM_UP = 200


def throughput(world, worker, setup, jobs, backlog=None, timeout=900, ledger=None):
    """Fills the queue, starts the worker, and takes `jobs` results of what may be a longer `backlog`."""
    depth = max(jobs, backlog or 0)
    world.fill(setup, worker.form, depth)
    extra = {"ledger": ledger} if ledger else {}
    with (world.room / f"{worker.name}.log").open("w+") as log:
        collector = world.start_collecting(setup, jobs, timeout)
        began = time.monotonic_ns()
        running = worker.start(world, setup, log, **extra)
        try:
            first, last, cpu = _follow(collector, running, log)
            peak = process.peak_bytes(running.pid)
        finally:
            collector.kill()
            collector.wait()
            # The last results' acks are on their way.
            time.sleep(0.2)
            stopped = end(running)
    world.purge(setup)
    seconds = (last - first) / 1e9
    return {
        "measure": "throughput", "worker": worker.name, "setup": setup.as_dict(), "jobs": jobs, "backlog": depth,
        "jobsPerSecond": (jobs - 1) / seconds, "cpuMicrosecondsPerJob": cpu / (jobs - 1) * 1e6,
        "peakBytes": peak, "startToFirstMilliseconds": (first - began) / 1e6, "exit": stopped,
    }


def _follow(collector, running, log):
    """(time of the first result, time of the last one, CPU seconds in between)."""
    while True:
        # A worker that ends is no reason to wait for its results.
        while not select.select([collector.stdout], [], [], 1)[0] and running.poll() is None:
            pass
        if running.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"the worker ended with {running.returncode}: {log.read()[-2000:]}")
        line = collector.stdout.readline().decode()
        if line.startswith("first "):
            before = process.cpu_seconds(running.pid)
            continue
        if line.startswith("{"):
            cpu = process.cpu_seconds(running.pid) - before
            found = json.loads(line)
            return found["first"], found["last"], cpu
        log.seek(0)
        raise RuntimeError(f"{collector.stderr.read().decode().strip()}; the worker's log ends: {log.read()[-2000:]}")


def latency(world, worker, setup, rate, jobs):
    """An open loop at `rate` jobs/s. Milliseconds from when a job was due to its result."""
    with (world.room / f"{worker.name}.log").open("w+") as log:
        world.fill(setup, worker.form, WARM_UP)
        collector = world.start_collecting(setup, WARM_UP, 120)
        running = worker.start(world, setup, log)
        try:
            _follow(collector, running, log)
            collector.wait()
            times = world.pace(setup, worker.form, rate, jobs)
        finally:
            collector.kill()
            collector.wait()
            time.sleep(0.2)
            stopped = end(running)
    world.purge(setup)
    return {
        "measure": "latency", "worker": worker.name, "setup": setup.as_dict(), "jobs": jobs, "rate": rate,
        **percentiles(times), "exit": stopped,
    }


def bare(world, setup, rate, jobs):
    """What no worker can do without: two ways through the broker, and the call."""
    hop, call = world.bare_times(setup, rate, jobs)
    return {"measure": "bare", "setup": setup.as_dict(), "rate": rate, "jobs": jobs,
            "hop": percentiles(hop), "call": percentiles(call)}


def percentiles(nanoseconds):
    ordered = sorted(nanoseconds)

    def at(share):
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e6
    return {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": ordered[-1] / 1e6}


def spread(values):
    """{median, min, max} of the rounds."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
