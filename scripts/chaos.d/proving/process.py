"""Child processes that end with us, free ports, and patience."""
import concurrent.futures
import ctypes
import random
import signal
import socket
import subprocess
import time

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    # Whatever ends this program, nothing that it started stays.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


# The death signal comes when the thread that forked ends, so one thread that lives as long as we do starts them all.
_spawner = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def spawn(arguments, output, environment=None):
    """Starts a program whose output goes to the end of a file."""
    def start():
        with open(output, "ab") as sink:
            return subprocess.Popen(
                [str(word) for word in arguments], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                env=environment, preexec_fn=_die_with_parent)
    return _spawner.submit(start).result()


def end(child, signal_number=signal.SIGTERM, seconds=20):
    """Ends a child, by SIGKILL if it does not obey. Gives its exit status, negative for a signal."""
    if child is None:
        return None
    if child.poll() is None:
        child.send_signal(signal_number)
        # A stopped process takes no signal but these.
        child.send_signal(signal.SIGCONT)
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def free_port():
    """Below the ports that the kernel gives to connections: one of these could take it before it is used."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class NotReady(Exception):
    """Something did not come to be in its time."""


def eventually(what, is_so, seconds=60, pause=0.05):
    """Looks again and again until it is so; another process is what is looked at."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise NotReady(what)
        time.sleep(pause)
