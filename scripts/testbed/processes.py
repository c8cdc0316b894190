"""Child processes that end with this one."""
import concurrent.futures
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """The kernel sends this signal to the calling process when its parent is gone, whatever ended that."""
    _libc.prctl(_PR_SET_PDEATHSIG, number)


# The death signal comes when the thread that forked ends, so one thread that lives as long as the process starts all.
_spawner = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def spawn(
    arguments: Sequence[object], output: Path | str, environment: Mapping[str, str] | None = None,
    directory: Path | str | None = None
) -> subprocess.Popen:
    """Starts a program in `directory`; what it prints goes to the end of the file `output`. `environment` is added to
    this process's own."""
    def start() -> subprocess.Popen:
        with open(output, "ab") as sink:
            return subprocess.Popen(
                [str(word) for word in arguments], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})}, cwd=directory, preexec_fn=die_with_parent)
    return _spawner.submit(start).result()


def end(child: subprocess.Popen | None, number: int = signal.SIGTERM, seconds: float = 20) -> int | None:
    """Ends a child, by SIGKILL if it does not obey. Gives its exit status, negative for a signal; None for no child."""
    if child is None:
        return None
    if child.poll() is None:
        child.send_signal(number)
        # A stopped process takes no signal but these.
        child.send_signal(signal.SIGCONT)
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
