"""The API refuses, is away, is slow, has had enough for the day; the clock is not the API's."""

import email.utils
import time

from testbed.clock import Clock

from .incident import incident
from .scenario import Scenario


@incident("quota-spent")
def quota_spent(scenario: Scenario) -> None:
    scenario.start(limits={"requests_per_day": 5, "day_zone": young_day()})
    scenario.provoked()
    jobs = scenario.jobs(12)
    scenario.submit(jobs)
    scenario.sees()
    scenario.daemon.write(limits={"requests_per_day": 500})
    scenario.settle()
    scenario.is_well("reloaded the settings changed=limits.requests_per_day", "hold lifted cause=quota_day")
    scenario.await_left(jobs)


def young_day() -> str:
    """A zone in which midnight is more than twelve hours ahead: the quota is gone by noon there."""
    hour = time.gmtime().tm_hour
    ahead = next(ahead for ahead in range(-11, 13) if 1 <= (hour + ahead) % 24 <= 8)
    # The names of these zones count westwards.
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@incident("api-retired", "everybody")
def retired(scenario: Scenario) -> None:
    scenario.start()
    scenario.simulator.answers({"wording": "permission"})
    scenario.provoked()
    scenario.submit(scenario.jobs(8))
    scenario.sees("ApiRefusesEverybody", "api_retired")
    scenario.simulator.behaves()
    said = scenario.settle()
    scenario.must("jobs test the holds now" in said, said)
    scenario.is_well("hold lifted cause=api_retired")
    # The first four wait for five minutes, to see whether others are refused.
    later = scenario.jobs(3)
    scenario.submit(later)
    scenario.await_left(later)


@incident("api-retired", "one account")
def alone(scenario: Scenario) -> None:
    """With one account nobody can tell whether it is the account or everybody."""
    scenario.start()
    scenario.simulator.answers({"wording": "permission"})
    scenario.provoked()
    scenario.submit(of_one_account(scenario, 3))
    scenario.sees("AccountAlone", "refused")
    status, said = scenario.daemon.command("holds")
    scenario.must("all its calls are refused" in said, said)
    scenario.simulator.behaves()
    scenario.mended()
    scenario.settled_by = "leave-albumd resume --account"
    status, said = scenario.daemon.command("resume", "--account", "alone")
    scenario.must(status == 0, said)
    scenario.is_well("the account goes on account=alone cause=refused")
    later = of_one_account(scenario, 3)
    scenario.submit(later)
    scenario.await_left(later)


def of_one_account(scenario: Scenario, count: int) -> list[dict]:
    return [{**job, "account": "alone"} for job in scenario.jobs(count)]


@incident("api-down", "down")
def down(scenario: Scenario) -> None:
    scenario.start()
    scenario.simulator.stop()
    scenario.provoked()
    jobs = scenario.jobs(8)
    scenario.submit(jobs)
    scenario.sees()
    scenario.simulator.start()
    scenario.settle()
    scenario.is_well("hold lifted cause=api_unavailable")
    scenario.await_left(jobs)


@incident("api-down", "slow")
def slow(scenario: Scenario) -> None:
    scenario.start(api={"timeout": "1s", "connect_timeout": "500ms"})
    scenario.simulator.answers({"fault": "delay", "milliseconds": 4000}, method="leave")
    scenario.provoked()
    jobs = scenario.jobs(8)
    scenario.submit(jobs)
    scenario.sees()
    scenario.simulator.behaves()
    scenario.settle()
    scenario.is_well("hold lifted cause=api_unavailable")
    scenario.await_left(jobs)


@incident("clock-jump", "the API's")
def clock_jump(scenario: Scenario) -> None:
    clock = Clock(scenario.directory)
    scenario.start(clock.environment, limits={"requests_per_day": 1000})
    answers_with_its_time(scenario)
    first = scenario.jobs(1)
    scenario.submit(first)
    scenario.must(scenario.daemon.await_logged("job ended", 30), "no job was done")
    scenario.provoked()
    # Into another day, whatever the hour.
    clock.set(30 * 3600)
    # Two answers are believed, and others may be on their way by then: some jobs have to be left.
    jobs = scenario.jobs(40)
    scenario.submit(jobs)
    scenario.sees("clock_suspect", "ClockSuspect")
    answers_with_its_time(scenario)
    clock.set(0)
    scenario.settle()
    scenario.is_well("hold lifted cause=clock_suspect")
    scenario.await_left(jobs)


def answers_with_its_time(scenario: Scenario) -> None:
    """Success with the Date of now: the simulator gives none by itself."""
    scenario.simulator.behaves()
    scenario.simulator.answers({"wording": "empty"}, fields={"Date": email.utils.formatdate(usegmt=True)})
