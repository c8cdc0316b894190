"""Waiting for what another process does."""
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class NotReady(Exception):
    """Something did not come to be in its time."""


def wait(condition: Callable[[], Value], seconds: float, every: float = 0.2) -> Value:
    """The condition's first true value, or its last."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def eventually(what: str, condition: Callable[[], Value], seconds: float = 60, every: float = 0.05) -> Value:
    """The condition's first true value. Raises NotReady with `what` when it has none in time."""
    value = wait(condition, seconds, every)
    if not value:
        raise NotReady(what)
    return value
