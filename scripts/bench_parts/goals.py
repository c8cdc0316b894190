"""The goals, and whether the records of one or more runs reach them."""
from collections.abc import Callable

from .measures import spread

MIB = 2**20


def table(records: list[dict]) -> list[dict]:
    """[(goal, measured or None, reached or None)], ratios first. None: no run has measured it."""
    found = _Records(records)
    return [
        # On the same work.
        _at_least("jobs/s, × a C floor with a ledger", 0.9, found.ratios("jobsPerSecond", "durable-floor"), "×"),
        _at_most("CPU per job, × a C floor with a ledger", 1.4,
                 found.ratios("cpuMicrosecondsPerJob", "durable-floor"), "×"),
        _at_least("jobs/s, × Go with SQLite", 5.0, found.ratios("jobsPerSecond", "go-sqlite"), "×"),
        _at_least("jobs/s, × aio-pika with SQLite (no goal)", None,
                  found.ratios("jobsPerSecond", "aio-pika-sqlite"), "×"),
        _at_least("jobs/s over PostgreSQL, × Go with PostgreSQL (no goal)", None,
                  found.ratios("jobsPerSecond", "go-postgres", "daemon-postgres"), "×"),
        _at_least("jobs/s over PostgreSQL, × Celery with PostgreSQL (no goal)", None,
                  found.ratios("jobsPerSecond", "celery-postgres", "daemon-postgres"), "×"),
        # Of workers that keep nothing.
        _at_least("jobs/s, × the C floor (no goal)", None, found.ratios("jobsPerSecond", "floor"), "×"),
        _at_most("CPU per job, × the C floor (no goal)", None, found.ratios("cpuMicrosecondsPerJob", "floor"), "×"),
        _at_least("jobs/s, × Go", 1.0, found.ratios("jobsPerSecond", "go"), "×"),
        _at_least("jobs/s, × aio-pika (no goal)", None, found.ratios("jobsPerSecond", "aio-pika"), "×"),
        _at_least("jobs/s, × Celery (no goal)", None, found.ratios("jobsPerSecond", "celery"), "×"),
        _at_least("jobs/s over PostgreSQL, × the embedded ledger", 0.7,
                  found.ratios("jobsPerSecond", "daemon", "daemon-postgres", "postgres"), "×"),
        _at_most("CPU per job over PostgreSQL without its own, × the embedded ledger (no goal)", None,
                 found.ratios("cpuMicrosecondsPerJob", "daemon", "daemon-postgres", "postgres"), "×"),
        _at_most("CPU of PostgreSQL a job", 80.0, list(found.values(
            "databaseMicrosecondsPerJob", "daemon-postgres", "postgres").values()), " µs"),
        _at_most("peak memory over PostgreSQL, more than embedded", 6.0, [
            more / MIB for more in found.differences("peakBytes", "daemon", "daemon-postgres", "postgres")], " MiB"),
        *(_at_most(f"p99 over PostgreSQL{kind}, more than embedded", bound, found.longer(point), " ms")
          for kind, point, bound in (("", "alone", 10.0), (" with a standby", "standby", 25.0))),
        *(_at_least(f"jobs/s of {count} daemons, × one, calls of 200 ms", share * count, found.speed_up(count), "×")
          for count, share in ((2, 0.95), (3, 0.93), (4, 0.9))),
        # The worst of the rounds: a limit is one that always holds.
        _at_least("calls of a day by four daemons, × the limit: least", 0.995, found.spent()[:1], "×"),
        _at_most("calls of a day by four daemons, × the limit: most", 1.0, found.spent()[-1:], "×"),
        _at_most("time of others' jobs beside a flood, × alone", 1.1, found.beside_flood(), "×"),
        _at_most("p99 added, durability normal", 2.0, found.added("normal"), " ms"),
        _at_most("p99 added, durability full", 10.0, found.added("full"), " ms"),
        _at_most("peak memory after 1,000,000 jobs", 32.0, found.peaks(), " MiB"),
        _at_most("start to the first result", 150.0, found.starts(), " ms"),
        _at_least("jobs/s at 10,000,000 ledger entries, × an empty one", 0.95,
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

    def differences(self, field: str, other: str, mine: str, axis: str) -> list[float]:
        ours, theirs = self.values(field, mine, axis), self.values(field, other, axis)
        return [ours[number] - theirs[number] for number in ours if number in theirs]

    def longer(self, point: str) -> list[float]:
        """Milliseconds over the embedded ledger at the same rate in the same round."""
        ours = self.values("p99", "daemon-postgres", "paced", point)
        base = self.values("p99", "daemon", "paced", "embedded")
        return [ours[number] - base[number] for number in ours if number in base]

    def speed_up(self, count: int) -> list[float]:
        """Only of rounds in which the machine was idle for more than half of the time: else it tells of the machine."""
        idle = self.values("idleShare", "daemon-postgres", "members", count)
        ours, one = (self.values("jobsPerSecond", "daemon-postgres", "members", point) for point in (count, 1))
        return [ours[number] / one[number] for number in ours if number in one and idle[number] > 0.5]

    def spent(self) -> list[float]:
        """Shares of the limit, the least first."""
        return sorted(record["spent"] / record["limit"] for record in self.records if record["measure"] == "spent")

    def beside_flood(self) -> list[float]:
        """Of the same round, from the start of the daemons to the last result of others."""
        found = {point: self.values("startToLastSeconds", "daemon-postgres", "flood", point)
                 for point in {record["point"] for record in self.records if record["axis"] == "flood"}}
        alone = found.pop(0, {})
        return [times[number] / alone[number] for times in found.values() for number in times if number in alone]

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
