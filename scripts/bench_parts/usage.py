"""What a process and its children have used, by /proc."""

from pathlib import Path


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                todo += [int(word) for word in children.read_text().split()]
            except OSError:
                continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads that live, of the process and its children. By the scheduler's clock: the
    ticks of /proc/PID/stat miss most of what sleeps as often as an I/O thread does."""
    total = 0
    for one in tree(pid):
        for times in Path(f"/proc/{one}/task").glob("*/schedstat"):
            try:
                total += int(times.read_text().split()[0])
            except OSError:
                continue
    return total / 1e9


def switches(pid: int) -> int:
    """How often a processor went from one of its threads that live to something else."""
    total = 0
    for one in tree(pid):
        for status in Path(f"/proc/{one}/task").glob("*/status"):
            try:
                total += sum(int(line.split()[1]) for line in status.read_text().splitlines() if "_ctxt_switches" in line)
            except OSError:
                continue
    return total


def peak_bytes(pid: int) -> int:
    """The most that was ever resident: of several processes, the sum of what each had at most."""
    total = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1]) * 1024
    return total


class Idle:
    """Of the machine's processors since this was made: the share of their time in which they had nothing to do."""

    def __init__(self):
        self._begin = self._ticks()

    @staticmethod
    def _ticks() -> tuple[int, int]:
        """(idle, all). What waits for the disk is idle too."""
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)

    def share(self) -> float:
        idle, total = self._ticks()
        return (idle - self._begin[0]) / max(1, total - self._begin[1])
