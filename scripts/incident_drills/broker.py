"""The broker is down or blocked; results have no queue, no room, no reader."""

import json

from incident_drills.surroundings import wait


def down(drill):
    drill.start()
    drill.provoked()
    drill.broker.control("stop_app")
    try:
        drill.sees("LeaveAlbumBrokerDown", "connecting", "lost the", "broker_connected")
        drill.mended()
    finally:
        drill.broker.control("start_app")
    said = drill.settle()
    drill.must("FAULT" not in said, said)
    drill.is_well()
    jobs = drill.jobs(3)
    drill.submit(jobs)
    drill.await_left(jobs)


def blocked(drill):
    drill.start()
    # Only who publishes is told: jobs that are under way, and whose results come after the alarm.
    drill.simulator.answers({"fault": "delay", "milliseconds": 10_000}, method="leave")
    jobs = drill.jobs(3)
    drill.submit(jobs)
    drill.must(wait(lambda: drill.daemon.metric("leave_album_in_flight") > 0, 30), "no job is under way")
    drill.provoked()
    drill.broker.control("set_vm_memory_high_watermark", "0")
    try:
        drill.sees("LeaveAlbumBrokerBlocked", "broker_blocked", "takes no messages")
        drill.mended()
    finally:
        drill.broker.control("set_vm_memory_high_watermark", "0.4")
    drill.simulator.behaves()
    said = drill.settle()
    drill.must("FAULT" not in said, said)
    drill.is_well("hold lifted cause=broker_blocked")
    drill.await_left(jobs)


def queue_gone(drill):
    drill.start()
    drill.provoked()
    drill.broker.control("delete_queue", f"{drill.prefix}.results")
    jobs = drill.jobs(3)
    drill.submit(jobs)
    drill.sees("LeaveAlbumResultsRefused", "results_unroutable", "no queue for it")
    drill.settle()
    drill.is_well("hold lifted cause=results_unroutable")
    drill.await_left(jobs)
    drill.must(depth(drill) >= 3, f"{depth(drill)} results are in the queue")


def queue_full(drill):
    drill.start()
    drill.provoked()
    limit_results(drill, 1)
    jobs = drill.jobs(8)
    drill.submit(jobs)
    drill.sees("LeaveAlbumResultsRefused", "results_full", "a queue refused it")
    drill.settled_by = "a higher limit of the queue"
    drill.mended()
    limit_results(drill, 100_000)
    drill.is_well("hold lifted cause=results_full")
    drill.await_left(jobs)


def limit_results(drill, length):
    drill.broker.control("set_policy", f"{drill.prefix}-limit", f"^{drill.prefix}[.]results$",
                         json.dumps({"max-length": length}), "--apply-to", "queues")


def nobody_reads(drill):
    drill.start()
    drill.provoked()
    jobs = drill.jobs(1_050)
    drill.submit(jobs)
    drill.sees("LeaveAlbumResultsUnread", "queue_consumers", seconds=180)
    drill.settled_by = "reading them"
    drill.mended()
    drill.broker.control("purge_queue", f"{drill.prefix}.results")
    drill.is_well()


def depth(drill):
    """Messages in the results queue."""
    queues = json.loads(drill.daemon.command("queues", "--json")[1])["queues"]
    return next(queue.get("messages", 0) for queue in queues if queue["name"] == f"{drill.prefix}.results")
