"""The daemon itself: down, paused, given wrong settings, slow to stop, or there twice."""

import os
import signal

from incident_drills.surroundings import Broker, wait


def not_running(drill):
    drill.start()
    drill.provoked()
    drill.daemon.kill()
    drill.sees("NoActiveWorker", "TargetDown")
    drill.settle()
    drill.is_well()


def paused(drill):
    drill.start()
    drill.provoked()
    drill.daemon.command("pause")
    drill.sees("operator_paused", "paused by", "PauseForgotten")
    drill.settled_by = "leave-albumd resume"
    drill.mended()
    drill.daemon.command("resume")
    drill.is_well("hold lifted cause=operator_paused")


def settings_refused(drill):
    drill.start()
    drill.provoked()
    drill.daemon.write(limits={"requests_per_dya": 77})
    drill.daemon.systemctl(["reload"])
    drill.sees()
    del drill.daemon.settings["limits"]["requests_per_dya"]
    drill.daemon.write(limits={"requests_per_day": 77})
    said = drill.settle()
    drill.must("is good" in said, said)
    drill.is_well("reloaded the settings changed=limits.requests_per_day")


def stuck_drain(drill):
    drill.start(worker={"drain_timeout": "50s"}, api={"timeout": "55s"})
    drill.simulator.answers({"fault": "delay", "milliseconds": 50_000}, method="leave")
    jobs = drill.jobs(3)
    drill.submit(jobs)
    drill.must(wait(lambda: drill.daemon.metric("leave_album_in_flight") > 0, 30), "no job is under way")
    drill.provoked()
    drill.daemon.process.send_signal(signal.SIGTERM)
    drill.sees()
    drill.settle()
    status = drill.daemon.process.wait(20)
    drill.must(status == 0, f"it exits with {status}")
    for line in ("told twice: not waiting any longer", "stopped"):
        drill.must(any(line in said for said in drill.daemon.log()), f"the log does not say {line!r}")
    drill.simulator.behaves()
    drill.daemon.start()
    drill.is_well()
    drill.await_left(jobs)


def standby(drill):
    """The same ledger: the second waits for the file, and takes over."""
    drill.start_daemon()
    drill.provoked()
    second = drill.add_daemon("second", ledger={"path": drill.daemon.settings["ledger"]["path"]})
    drill.sees("has the ledger", "leave_album_active 0", of=second)
    drill.settled_by = "the takeover, after SIGKILL of the first"
    jobs = drill.jobs(3)
    drill.daemon.kill()
    second.await_consuming(30)
    drill.submit(jobs, second)
    drill.await_left(jobs, second)


def second_ledger(drill):
    """The same queues and a ledger of its own: refused the exclusive queue."""
    drill.start_daemon()
    drill.watch()
    drill.provoked()
    second = drill.add_daemon("second")
    drill.sees("another worker is active", "leave_album_active 0", of=second)
    drill.settle(second)
    drill.is_well()


def two_at_work(drill):
    """Two nodes that do not know of each other, as the halves of a partitioned cluster do not."""
    other = Broker(os.path.join(drill.room, "other-half"))
    drill.at_end(other.stop)
    drill.start_daemon()
    drill.provoked()
    second = drill.add_daemon("second", uri=other.uri)
    second.await_consuming()
    drill.watch()
    drill.sees("SplitBrain", "leave_album_active 1")
    drill.sees("leave_album_active 1", of=second)
    drill.settle(second)
    drill.is_well()
