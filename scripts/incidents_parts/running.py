"""The daemon itself: down, paused, given wrong settings, slow to stop, or there twice."""

import signal

from testbed.node import Node

from .incident import incident
from .scenario import Scenario


@incident("not-consuming", "down")
def not_running(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    scenario.daemon.kill()
    scenario.sees("NoActiveWorker", "TargetDown")
    scenario.settle()
    scenario.is_well()


@incident("not-consuming", "paused")
def paused(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    scenario.daemon.command("pause")
    scenario.sees("operator_paused", "PauseForgotten")
    scenario.settled_by = "leave-albumd resume"
    scenario.mended()
    scenario.daemon.command("resume")
    scenario.is_well("hold lifted cause=operator_paused")


@incident("settings-refused", "a fault")
def settings_refused(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    scenario.daemon.write(limits={"requests_per_dya": 77})
    scenario.daemon.systemctl(["reload"])
    scenario.sees("ReloadRefused", "not reloaded", "config_reload_success")
    del scenario.daemon.settings["limits"]["requests_per_dya"]
    scenario.daemon.write(limits={"requests_per_day": 77})
    said = scenario.settle()
    scenario.must("is good" in said, said)
    scenario.is_well("reloaded the settings changed=limits.requests_per_day")


@incident("stuck-drain")
def stuck_drain(scenario: Scenario) -> None:
    scenario.start(worker={"drain_timeout": "50s"}, api={"timeout": "55s"})
    scenario.simulator.answers({"fault": "delay", "milliseconds": 50_000}, method="leave")
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    scenario.await_in_flight()
    scenario.provoked()
    scenario.daemon.process.send_signal(signal.SIGTERM)
    scenario.sees()
    scenario.settle()
    status = scenario.daemon.process.wait(20)
    scenario.must(status == 0, f"it exits with {status}")
    for line in ("told twice: not waiting any longer", "stopped"):
        scenario.must(any(line in said for said in scenario.daemon.log()), f"the log does not say {line!r}")
    scenario.simulator.behaves()
    scenario.daemon.start()
    scenario.is_well()
    scenario.await_left(jobs)


@incident("split-brain", "standby, takeover")
def standby(scenario: Scenario) -> None:
    """The same ledger: the second waits for the file, and takes over."""
    scenario.start_daemon()
    scenario.provoked()
    second = scenario.add_daemon("second", ledger={"path": scenario.daemon.settings["ledger"]["path"]})
    scenario.sees("has the ledger", "leave_album_active 0", of=second)
    scenario.settled_by = "the takeover, after SIGKILL of the first"
    jobs = scenario.jobs(3)
    scenario.daemon.kill()
    second.await_consuming(30)
    scenario.submit(jobs, second)
    scenario.await_left(jobs, second)


@incident("split-brain", "second ledger")
def second_ledger(scenario: Scenario) -> None:
    """The same queues and a ledger of its own: refused the exclusive queue."""
    scenario.start_daemon()
    scenario.watch()
    scenario.provoked()
    second = scenario.add_daemon("second")
    scenario.sees("another worker is active", "leave_album_active 0", of=second)
    scenario.settle(second)
    scenario.is_well()


@incident("split-brain", "two at work")
def two_at_work(scenario: Scenario) -> None:
    """Two nodes that do not know of each other, as the halves of a partitioned cluster do not."""
    other = Node(scenario.directory / "other-half")
    scenario.at_end(other.end)
    other.start()
    scenario.start_daemon()
    scenario.provoked()
    second = scenario.add_daemon("second", uri=other.uri)
    second.await_consuming()
    scenario.watch()
    scenario.sees("SplitBrain", "leave_album_active 1")
    scenario.sees("leave_album_active 1", of=second)
    scenario.settle(second)
    scenario.is_well()
