"""What became of the jobs of a demo, and whether it is as it must be."""
import collections
import json
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class JobOutcome:
    name: str
    #: The different bodies of its results, and how many copies of them came.
    bodies: set[str] = field(default_factory=set)
    copies: int = 0
    #: `leave` and `get` as the API saw them, in their order.
    calls: list[str] = field(default_factory=list)
    effects: int = 0

    @property
    def result(self) -> dict:
        return json.loads(next(iter(self.bodies), "{}"))

    @property
    def was_asked(self) -> bool:
        return "get" in self.calls

    def problems(self) -> Iterable[str]:
        if len(self.bodies) != 1:
            yield f"{self.name} has {len(self.bodies)} results"
        if self.effects != 1:
            yield f"{self.name}: its user left {self.effects} times"
        for before, call in zip(self.calls, self.calls[1:]):
            if (before, call) == ("leave", "leave"):
                yield f"{self.name} was called twice, and the album was not asked between"


def gather(names: Iterable[str], results: Iterable[tuple[str, str]], calls: Iterable[dict]) -> dict[str, JobOutcome]:
    """`results`: message-ids with their bodies; `calls`: the simulator's journal. A job's album is `album-` and its
    name."""
    found = {name: JobOutcome(name) for name in names}
    for message, body in results:
        job = found.setdefault(message.rpartition("#")[0], JobOutcome(f"nobody's {message}"))
        job.bodies.add(body)
        job.copies += 1
    for call in sorted(calls, key=lambda call: call["sequence"]):
        job = found.setdefault(call["token"].removeprefix("album-"), JobOutcome(f"nobody's {call['token']}"))
        job.calls.append(call["method"])
        job.effects += call["effect"] == "left"
    return found


def counts(jobs: Iterable[JobOutcome]) -> dict[str, int]:
    """How many ended how, the most first."""
    outcomes = collections.Counter(job.result.get("outcome", "no result") for job in jobs)
    return dict(outcomes.most_common())
