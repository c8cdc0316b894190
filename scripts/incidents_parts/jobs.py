"""A job that kills the worker, jobs that are sent without end, jobs that fail for good."""

import threading

from testbed.waiting import wait

from .incident import incident
from .scenario import Scenario


@incident("poison-job")
def poison(scenario: Scenario) -> None:
    innocent, deadly = scenario.jobs(5), scenario.jobs(1, token="album-deadly")
    scenario.start({"ALBUMD_TEST_KILL_TOKEN": deadly[0]["shareToken"]})
    scenario.daemon.supervise()
    scenario.provoked()
    scenario.submit(deadly + innocent)
    scenario.sees(seconds=300)
    scenario.await_left(innocent)
    # The program is mended.
    scenario.daemon.stop()
    scenario.daemon.environment = {}
    scenario.daemon.start()
    scenario.daemon.await_consuming()
    said = scenario.settle()
    scenario.must("1 run again" in said, said)
    scenario.await_left(deadly)
    scenario.is_well(lasting=["LeaveAlbumPoison"])


@incident("duplicate-flood")
def duplicate_flood(scenario: Scenario) -> None:
    scenario.start()
    jobs = scenario.jobs(60)
    scenario.submit(jobs)
    scenario.await_left(jobs)
    scenario.provoked()
    enough = threading.Event()

    def flood():
        while not enough.is_set():
            scenario.submit(jobs)
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        scenario.sees()
        said = scenario.settle()
        scenario.must("replayed" in said and jobs[0]["account"] in said, said)
    finally:
        enough.set()
        flooding.join()

    def stands_still():
        before = scenario.daemon.metric("leave_album_replays_total")
        return not wait(lambda: scenario.daemon.metric("leave_album_replays_total") > before, 3)
    scenario.must(wait(stands_still, 60), "results are still replayed")
    # It looks back for five minutes.
    scenario.is_well(lasting=["LeaveAlbumDuplicateFlood"])


@incident("dead-letters")
def dead_letters(scenario: Scenario) -> None:
    scenario.start()
    scenario.simulator.answers({"wording": "photos_disabled"}, method="leave")
    jobs = scenario.jobs(15)
    scenario.provoked()
    scenario.submit(jobs)
    scenario.sees()
    scenario.simulator.behaves()
    said = scenario.settle(REASON="photos_disabled_for_user")
    scenario.must("15 run again" in said, said)
    scenario.is_well(lasting=["LeaveAlbumDeadLettersRising"])
    scenario.await_left(jobs)
