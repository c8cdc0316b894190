"""The broker is down or blocked; results have no queue, no space, no reader."""

import json

from .incident import incident
from .scenario import Scenario


@incident("broker-down", "down")
def down(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    scenario.node.control("stop_app")
    try:
        scenario.sees("LeaveAlbumBrokerDown", "connecting", "lost the", "broker_connected")
        scenario.mended()
    finally:
        scenario.node.control("start_app")
    said = scenario.settle()
    scenario.must("FAULT" not in said, said)
    scenario.is_well()
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    scenario.await_left(jobs)


@incident("broker-down", "blocked")
def blocked(scenario: Scenario) -> None:
    scenario.start()
    # Only who publishes is told: jobs of one account, one after another, so that some result comes after the alarm
    # however long that takes.
    scenario.simulator.answers({"fault": "delay", "milliseconds": 10_000}, method="leave")
    jobs = scenario.jobs(12, account="user1")
    scenario.submit(jobs)
    scenario.await_in_flight()
    scenario.provoked()
    scenario.node.control("set_vm_memory_high_watermark", "0")
    try:
        scenario.sees("LeaveAlbumBrokerBlocked", "broker_blocked", "takes no messages")
        scenario.mended()
    finally:
        scenario.node.control("set_vm_memory_high_watermark", "0.4")
    scenario.simulator.behaves()
    said = scenario.settle()
    scenario.must("FAULT" not in said, said)
    scenario.is_well("hold lifted cause=broker_blocked")
    scenario.await_left(jobs)


@incident("results-unread", "gone")
def queue_gone(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    scenario.node.control("delete_queue", f"{scenario.prefix}.results")
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    scenario.sees("LeaveAlbumResultsRefused", "results_unroutable", "no queue for it")
    scenario.settle()
    scenario.is_well("hold lifted cause=results_unroutable")
    scenario.await_left(jobs)
    scenario.must(depth(scenario) >= 3, f"{depth(scenario)} results are in the queue")


@incident("results-unread", "full")
def queue_full(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    limit_results(scenario, 1)
    jobs = scenario.jobs(8)
    scenario.submit(jobs)
    scenario.sees("LeaveAlbumResultsRefused", "results_full", "a queue refused it")
    scenario.settled_by = "a higher limit of the queue"
    scenario.mended()
    limit_results(scenario, 100_000)
    scenario.is_well("hold lifted cause=results_full")
    scenario.await_left(jobs)


def limit_results(scenario: Scenario, length: int) -> None:
    scenario.node.control("set_policy", f"{scenario.prefix}-limit", f"^{scenario.prefix}[.]results$",
                         json.dumps({"max-length": length}), "--apply-to", "queues")


@incident("results-unread", "nobody reads")
def nobody_reads(scenario: Scenario) -> None:
    scenario.start()
    scenario.provoked()
    jobs = scenario.jobs(1_050)
    scenario.submit(jobs)
    scenario.sees("LeaveAlbumResultsUnread", "queue_consumers", seconds=180)
    scenario.settled_by = "reading them"
    scenario.mended()
    scenario.node.control("purge_queue", f"{scenario.prefix}.results")
    scenario.is_well()


def depth(scenario: Scenario) -> int:
    """Messages in the results queue."""
    queues = json.loads(scenario.daemon.command("queues", "--json")[1])["queues"]
    return next(queue.get("messages", 0) for queue in queues if queue["name"] == f"{scenario.prefix}.results")
