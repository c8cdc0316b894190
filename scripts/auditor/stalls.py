"""How much of a time the machine kept from everybody, by the wake-ups of a process that does nothing else."""
import bisect
from collections.abc import Sequence

#: Between two lines of the watch, which writes them while it goes on.
SEAM_MS = 100


class Stalls:
    """`windows`: the watch's lines, each with how much of its time was lost."""

    def __init__(self, windows: Sequence[dict]):
        self._windows = sorted(windows, key=lambda window: window["at"])
        self._ends = [window["until"] for window in self._windows]

    @property
    def total(self) -> int:
        return sum(window["lost"] for window in self._windows)

    @property
    def watched(self) -> int:
        return sum(window["until"] - window["at"] for window in self._windows)

    def lost(self, begin: float, end: float) -> float | None:
        """At most, of the time between the two; None if it was not watched from its begin to its end."""
        seen, lost, was_watched = begin, 0.0, False
        for place in range(bisect.bisect_left(self._ends, begin), len(self._windows)):
            window = self._windows[place]
            if window["at"] > seen + SEAM_MS or window["at"] >= end:
                break
            shared = min(end, window["until"]) - max(begin, window["at"])
            lost += max(0.0, min(window["lost"], shared))
            seen, was_watched = max(seen, window["until"]), True
        return lost if was_watched and seen + SEAM_MS >= end else None

    def lost_at_most(self, begin: float, end: float) -> float:
        """Of a time that nobody watched, none: it excuses nobody."""
        return self.lost(begin, end) or 0.0
