"""A job that kills the worker, jobs that are sent without end, jobs that fail for good."""

import threading

from incident_drills.surroundings import wait


def poison(drill):
    innocent, deadly = drill.jobs(5), drill.jobs(1, token="album-deadly")
    drill.start({"ALBUMD_TEST_KILL_TOKEN": deadly[0]["shareToken"]})
    drill.daemon.supervise()
    drill.provoked()
    drill.submit(deadly + innocent)
    drill.sees(seconds=300)
    drill.await_left(innocent)
    # The program is mended.
    drill.daemon.stop()
    drill.daemon.environment = {}
    drill.daemon.start()
    drill.daemon.await_consuming()
    said = drill.settle()
    drill.must("1 run again" in said, said)
    drill.await_left(deadly)
    drill.is_well(lasting=["LeaveAlbumPoison"])


def duplicate_flood(drill):
    drill.start()
    jobs = drill.jobs(60)
    drill.submit(jobs)
    drill.await_left(jobs)
    drill.provoked()
    enough = threading.Event()

    def flood():
        while not enough.is_set():
            drill.submit(jobs)
    flooding = threading.Thread(target=flood)
    flooding.start()
    try:
        drill.sees()
        said = drill.settle()
        drill.must("replayed" in said and jobs[0]["account"] in said, said)
    finally:
        enough.set()
        flooding.join()

    def stands_still():
        before = drill.daemon.metric("leave_album_replays_total")
        return not wait(lambda: drill.daemon.metric("leave_album_replays_total") > before, 3)
    drill.must(wait(stands_still, 60), "results are still replayed")
    # It looks back for five minutes.
    drill.is_well(lasting=["LeaveAlbumDuplicateFlood"])


def dead_letters(drill):
    drill.start()
    drill.simulator.answers({"wording": "photos_disabled"}, method="leave")
    jobs = drill.jobs(15)
    drill.provoked()
    drill.submit(jobs)
    drill.sees()
    drill.simulator.behaves()
    said = drill.settle(REASON="photos_disabled_for_user")
    drill.must("15 run again" in said, said)
    drill.is_well(lasting=["LeaveAlbumDeadLettersRising"])
    drill.await_left(jobs)
