"""One of several daemons that share a ledger stands still, comes back late, or goes by settings of its own."""
import signal

from testbed.waiting import wait

from .cluster import leave_some, share
from .incident import incident
from .scenario import Scenario


@incident("worker-gone", "back too late")
def fenced(scenario: Scenario) -> None:
    """Stopped in its calls for longer than their leases, while the other one has its jobs."""
    share(scenario)
    second = scenario.others[0]
    # So that it is the second that calls.
    scenario.daemon.order("pause", "--instance", "first")
    scenario.simulator.answers({"fault": "stall", "milliseconds": 60_000}, method="leave")
    # It begins with one call.
    jobs = scenario.jobs(1)
    scenario.provoked()
    scenario.submit(jobs)
    scenario.must(wait(lambda: second.metric("leave_album_leases_held") == 1, 30, every=0.05), "it does not call")
    second.process.send_signal(signal.SIGSTOP)
    scenario.daemon.order("resume", "--instance", "first")
    # Of a job that has ended meanwhile it would only be told so.
    scenario.must(wait(lambda: scenario.daemon.metric("leave_album_takeovers_total") > 0, 60, every=0.05),
                  "nobody takes its job over")
    second.process.send_signal(signal.SIGCONT)
    scenario.sees("FencedRecords", "fenced_records", of=second)
    scenario.settled_by = "nothing: its job is the other one's"
    scenario.mended()
    scenario.simulator.behaves()
    scenario.await_left(jobs)
    second.await_consuming()
    leave_some(scenario)
    scenario.is_well(lasting=["LeaveAlbumFencedRecords"])


@incident("not-consuming", "one of several")
def one_paused(scenario: Scenario) -> None:
    """By the other one's command, and the other one works on."""
    share(scenario)
    second = scenario.others[0]
    scenario.provoked()
    scenario.daemon.order("pause", "--instance", "second")
    scenario.sees("member_paused", "PauseForgotten", of=second)
    leave_some(scenario)
    scenario.must(scenario.daemon.status.startswith("consuming"), f"STATUS is {scenario.daemon.status}")
    # A start under the name takes no work either.
    second.systemctl(["restart"])
    scenario.must(wait(lambda: "member_paused" in second.status, 60), f"STATUS is {second.status}")
    scenario.settled_by = "leave-albumd resume --instance second"
    scenario.mended()
    scenario.daemon.order("resume", "--instance", "second")
    second.await_consuming()
    scenario.is_well()


@incident("settings-refused", "two differ")
def settings_differ(scenario: Scenario) -> None:
    share(scenario)
    second = scenario.others[0]
    scenario.provoked()
    second.write(limits={"requests_per_minute_per_account": 7})
    second.systemctl(["reload"])
    scenario.sees("SettingsDiffer", "differ in a setting", "settings_differ")
    said = scenario.daemon.order("status")
    scenario.must("limits.requests_per_minute_per_account" in said and "second" in said, said)
    second.write(limits={"requests_per_minute_per_account": 0})
    scenario.settle(second)
    scenario.is_well("the daemons over this ledger agree on their settings now")
    scenario.must(scenario.awaits_metric("leave_album_settings_differ 0"), "they still differ")
