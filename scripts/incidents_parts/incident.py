"""Which scenarios there are: each names its page where it is defined."""
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from . import page
from .scenario import Scenario

_found: list["Incident"] = []


@dataclass(frozen=True)
class Incident:
    #: The name of its page in docs/incidents.
    page: str
    #: Tells it from the others of its page.
    case: str
    scenario: Callable[[Scenario], None]
    #: It waits for minutes and does little: it runs beside the others, on a broker of its own.
    is_long: bool = False


def incident(
    page: str, case: str = "", is_long: bool = False
) -> Callable[[Callable[[Scenario], None]], Callable[[Scenario], None]]:
    """Before a function: it is a scenario of that page."""
    def note(scenario: Callable[[Scenario], None]) -> Callable[[Scenario], None]:
        _found.append(Incident(page, case, scenario, is_long))
        return scenario
    return note


def incidents() -> list[Incident]:
    """Those of all modules beside this one, in the order of the index of the pages."""
    for file in sorted(Path(__file__).parent.glob("*.py")):
        import_module(f"{__package__}.{file.stem}")
    order = page.indexed()
    return sorted(_found, key=lambda one: (order.index(one.page) if one.page in order else len(order)))
