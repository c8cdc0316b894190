"""A process of the stage that only sleeps and wakes: how much later than it asked to, is what the machine kept from it,
and from everybody else of the stage. It knows nothing of the daemons, and no daemon can make it late but by taking the
machine from all.

Run as a program with the file to write: a line of each quarter of a second, until it is told to end.
"""
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

#: Between two wake-ups. A job's way has some dozens of them, of several programs: fewer than this has in two seconds.
PERIOD_MS = 10
#: What one line sums up at least; a stall that is longer is one line.
WINDOW_MS = 250
#: What a wake-up is later on a machine with nothing else to do.
USUAL_MS = 1


def windows(now: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[dict]:
    """For ever. `now` in ms, `sleep` for ms; `lost`: how much of the time between `at` and `until` the machine kept."""
    began = last = now()
    lost = 0.0
    while True:
        sleep(PERIOD_MS)
        woke = now()
        late = woke - last - PERIOD_MS
        if late > USUAL_MS:
            lost += late
        last = woke
        if woke - began >= WINDOW_MS:
            yield {"began": began, "took": woke - began, "lost": lost}
            began, lost = woke, 0.0


def main(path: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # By the clock that goes on while everything is stopped; written down by that of the other records.
    for window in windows(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * 1000, lambda ms: time.sleep(ms / 1000)):
        until = time.time_ns() // 1_000_000
        with open(path, "ab", buffering=0) as file:
            file.write(json.dumps({
                "at": until - round(window["took"]), "until": until, "lost": round(window["lost"])
            }, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
