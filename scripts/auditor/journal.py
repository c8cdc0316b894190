"""What a run wrote down, as JSON lines: appended whole, so that a reader never sees half of one."""
import json
import threading
import time
from pathlib import Path


def now_ms() -> int:
    """Wall time in milliseconds, as the simulator's journal has it."""
    return time.time_ns() // 1_000_000


class Journal:
    """Appends JSON lines to a file, from any thread."""

    def __init__(self, path: Path):
        self._file = open(path, "ab", buffering=0)
        self._lock = threading.Lock()

    def write(self, **members: object) -> None:
        line = json.dumps(members, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._file.write(line)


def read(path: Path) -> list[dict]:
    """The lines of a journal, or none if nothing was written."""
    try:
        with open(path, "rb") as file:
            return [json.loads(line) for line in file if line.strip()]
    except FileNotFoundError:
        return []
