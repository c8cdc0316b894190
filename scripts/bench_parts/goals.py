"""The goals, and whether the records of one or more runs reach them."""
from collections.abc import Callable

from .measures import spread

MIB = 2**20


def table(records: list[dict]) -> list[dict]:
    """[(goal, measured or None, reached or None)], ratios first. None: no run has measured it."""
    found = _Records(records)
    return [
        _at_least("jobs/s, × the C floor", 1.0, found.ratios("jobsPerSecond", "floor"), "×"),
        _at_most("CPU per job, × the C floor", 1.25, found.ratios("cpuMicrosecondsPerJob", "floor"), "×"),
        _at_least("jobs/s, × a C floor with a ledger (no goal)", None,
                  found.ratios("jobsPerSecond", "durable-floor"), "×"),
        _at_most("CPU per job, × a C floor with a ledger (no goal)", None,
                 found.ratios("cpuMicrosecondsPerJob", "durable-floor"), "×"),
        _at_least("jobs/s over PostgreSQL, × the embedded ledger (no goal)", None,
                  found.ratios("jobsPerSecond", "daemon", "daemon-postgres", "postgres"), "×"),
        _at_most("CPU per job over PostgreSQL without its own, × the embedded ledger (no goal)", None,
                 found.ratios("cpuMicrosecondsPerJob", "daemon", "daemon-postgres", "postgres"), "×"),
        _at_least("jobs/s, × Go", 2.0, found.ratios("jobsPerSecond", "go"), "×"),
        _at_least("jobs/s, × aio-pika", 8.0, found.ratios("jobsPerSecond", "aio-pika"), "×"),
        _at_least("jobs/s, × Celery (no goal)", None, found.ratios("jobsPerSecond", "celery"), "×"),
        _at_most("p99 added, durability normal", 2.0, found.added("normal"), " ms"),
        _at_most("p99 added, durability full", 10.0, found.added("full"), " ms"),
        _at_most("peak memory after 1,000,000 jobs", 32.0, found.peaks(), " MiB"),
        _at_most("start to the first result", 150.0, found.starts(), " ms"),
        _at_least("jobs/s at 10,000,000 ledger entries, × an empty one", 0.9,
                  found.along("ledger", 0, 10_000_000), "×"),
        _at_least("jobs/s at a backlog of 1,000,000, × 10,000", 0.9, found.along("backlog", 10_000, 1_000_000), "×"),
    ]


class _Records:
    def __init__(self, records: list[dict]):
        self.records = records

    def values(self, field: str, worker: str, axis: str, point: object = None) -> dict[int, float]:
        """Round → value. Of several runs of a round, the last."""
        return {record["round"]: record[field] for record in self.records
                if record["axis"] == axis and record.get("worker") == worker
                and (point is None or record["point"] == point)}

    def ratios(self, field: str, other: str, mine: str = "daemon", axis: str = "workers") -> list[float]:
        """Of runs of the same round, which were made one after the other."""
        ours, theirs = self.values(field, mine, axis), self.values(field, other, axis)
        return [ours[number] / theirs[number] for number in ours if number in theirs]

    def added(self, durability: str) -> list[float]:
        """Milliseconds over the same way of a job through broker and API with nothing kept: the floor's."""
        ours = self.values("p99", "daemon", "latency", durability)
        bare = self.values("p99", "floor", "latency")
        return [ours[number] - bare[number] for number in ours if number in bare]

    def peaks(self) -> list[float]:
        return [value / MIB for value in self.values("peakBytes", "daemon", "memory", 1_000_000).values()]

    def starts(self) -> list[float]:
        often = [record["startToFirstMilliseconds"] for record in self.records
                 if record["axis"] == "start" and record["worker"] == "daemon"]
        return often or list(self.values("startToFirstMilliseconds", "daemon", "workers").values())

    def along(self, axis: str, small: int, large: int) -> list[float]:
        ours = self.values("jobsPerSecond", "daemon", axis, large)
        base = self.values("jobsPerSecond", "daemon", axis, small)
        return [ours[number] / base[number] for number in ours if number in base]


def _at_least(name: str, bound: float | None, values: list[float], unit: str) -> dict:
    return _row(name, f"≥ {bound}{unit}" if bound else "", values, unit, bound and (lambda value: value >= bound))


def _at_most(name: str, bound: float | None, values: list[float], unit: str) -> dict:
    return _row(
        name, f"≤ {bound:g}{unit}" if bound else "", values, unit, bound and (lambda value: value <= bound))


def _row(name: str, goal: str, values: list[float], unit: str, reaches: Callable[[float], bool] | None) -> dict:
    row = {"name": name, "goal": goal, "measured": None, "reached": None, "unit": unit}
    if values:
        row["measured"] = spread(values)
        row["reached"] = bool(reaches(row["measured"]["median"])) if reaches else None
    return row
