"""Where the daemon's time goes: perf by samples, callgrind by instructions."""
import collections
import re
import subprocess
from collections.abc import Callable

from testbed.processes import end
from testbed.programs import ROOT

from . import measures
from .compiled import OUTPUT
from .environment import Environment
from .setup import Setup
from .workers import Daemon

# Off the beat of timers.
SAMPLES_PER_SECOND = 997


def perf(environment: Environment, daemon: Daemon, jobs: int, say: Callable[[str], None]) -> None:
    """Samples of the whole process while it works off a queue."""
    recording = OUTPUT / "perf.data"
    started = daemon.start
    beside = []

    def start_with_perf(*arguments, **named):
        running = started(*arguments, **named)
        # By the clock: counters of the processor are not there on every virtual machine.
        beside.append(subprocess.Popen(
            ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", str(SAMPLES_PER_SECOND), "--call-graph", "fp",
             "-o", recording, "-p", str(running[0].pid)]))
        return running
    daemon.start = start_with_perf
    try:
        record = measures.throughput(environment, daemon, Setup(), jobs)
    finally:
        daemon.start = started
        for process in beside:
            end(process)
    say(f"{record['jobsPerSecond']:.0f} jobs/s while it was watched")
    _show(["perf", "report", "--stdio", "--no-children", "-g", "none", "--percent-limit", "0.5", "-i", recording], say)
    say(f"more: perf report -i {recording.relative_to(ROOT)}")


def callgrind(environment: Environment, daemon: Daemon, jobs: int, say: Callable[[str], None]) -> None:
    """Every instruction, some fifty times slower: a few hundred jobs are enough."""
    recording, named = OUTPUT / "callgrind.out", OUTPUT / "leave-albumd"
    # Valgrind takes the compiler's line tables for damaged; names are enough.
    subprocess.run(["objcopy", "--strip-debug", daemon.binary, named], check=True)
    recording.unlink(missing_ok=True)
    binary, daemon.binary = daemon.binary, named
    # Threads that wait for each other: without it one of them spins for long.
    daemon.wrapper = [
        "valgrind", "--tool=callgrind", "--fair-sched=yes", f"--callgrind-out-file={recording}", "-q"]
    try:
        measures.throughput(environment, daemon, Setup(), jobs)
    finally:
        daemon.wrapper, daemon.binary = [], binary
    _show(["callgrind_annotate", recording], say)
    say(f"more: callgrind_annotate --inclusive=yes {recording.relative_to(ROOT)}")


def _show(command: list[object], say: Callable[[str], None], lines: int = 60) -> None:
    shown = subprocess.run(command, capture_output=True, text=True)
    for line in [line for line in shown.stdout.splitlines() if line.strip()][:lines]:
        say(line[:160])
    if shown.returncode != 0:
        say(shown.stderr.strip())


def syscalls(environment: Environment, daemon: Daemon, jobs: int, say: Callable[[str], None]) -> None:
    """System calls by thread and kind, for each job. Counting slows the daemon, so batches come out larger."""
    recording = OUTPUT / "strace.out"
    daemon.wrapper = ["strace", "-D", "-f", "-q", "-e", "signal=none", "-o", str(recording)]
    try:
        record = measures.throughput(environment, daemon, Setup(), jobs)
    finally:
        daemon.wrapper = []
    say(f"{record['jobsPerSecond']:.0f} jobs/s while it was watched")
    counts = collections.Counter()
    with recording.open() as lines:
        for line in lines:
            found = re.match(r"(\d+) +(\w+)\(", line)
            if found:
                counts[found.groups()] += 1
    for (thread, call), count in counts.most_common():
        if count * 50 >= jobs:
            say(f"{count / jobs:8.2f}  {call:<12} thread {thread}")


ALL = {"perf": perf, "callgrind": callgrind, "syscalls": syscalls}
