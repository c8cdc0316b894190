"""One cell of the matrix: something that is tried on one Debian release."""
import time
from collections.abc import Callable
from dataclasses import dataclass

from .stage import Stage


class Failed(Exception):
    """What was tried did not come out as it must."""


@dataclass(frozen=True)
class Row:
    """What is tried on each of `suites`. `trial` gives what was seen in a few words, and raises for a failure."""
    name: str
    title: str
    trial: Callable[[Stage], str]
    suites: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    row: Row
    suite: str

    @property
    def name(self) -> str:
        return f"{self.row.name}-{self.suite}"

    def is_named(self, word: str) -> bool:
        """By its own name, or by that of its row or its release."""
        return word in (self.name, self.row.name, self.suite)


@dataclass(frozen=True)
class Outcome:
    cell: Cell
    passed: bool
    seen: str
    seconds: float


def play(cell: Cell, stage: Stage) -> Outcome:
    began = time.monotonic()
    try:
        seen, passed = cell.row.trial(stage), True
    except Exception as error:
        seen, passed = " ".join(f"{type(error).__name__}: {error}".split()), False
    return Outcome(cell, passed, seen, time.monotonic() - began)
