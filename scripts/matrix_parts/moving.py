"""Jobs that wait in a broker of the release before, while it becomes one of this release, or gives way to one.

RabbitMQ takes over the data of some series in place (docs/broker.md), and Debian's releases may be further apart than
that. Then it goes the way that always does: a second broker, and shovels that empty the first into it.
"""
import json
from collections.abc import Callable

from testbed.node import Node
from testbed.waiting import eventually

from .cell import Failed
from .site import LONGEST, Site
from .stage import Stage

#: Jobs that nobody has looked at, on each of two lanes; jobs that were called, and are to be called again; those that
#: failed; and those that were done, whose results nobody has read.
WAITING, BULK, PARKED, FAILED, DONE = 120, 40, 10, 5, 20
#: Of each job one, and of each that is over its result. A failed one's is its dead letter.
MESSAGES = WAITING + BULK + PARKED + 2 * FAILED + DONE
#: Longer than the move takes, and short enough to be waited for.
DELAY = "90s"


def moved(stage: Stage) -> str:
    return _try(stage, _move)


def upgraded(stage: Stage) -> str:
    return _try(stage, _upgrade)


def _try(stage: Stage, way: Callable[[Site], str]) -> str:
    site = Site(stage, tree=stage.previous_broker_tree)
    site.daemon.write(retry={"delays": ["1s", DELAY]})
    try:
        return way(site)
    finally:
        site.end()


def _fill(site: Site) -> list[str]:
    """Jobs of every state, and a daemon that stands; gives their ids."""
    daemon = site.daemon
    daemon.order("topology", "declare")
    daemon.start("--new-ledger")
    jobs = site.submit("done", site.accounts(DONE))
    jobs += site.submit("failed", ["nobody"] * FAILED)
    eventually("those are over", lambda: site.depths()["results"] == DONE + FAILED, LONGEST)
    # Answers that are a job's own affair, so that each is called again, and nothing holds.
    site.simulator.answers({"fault": "status", "status": 503}, method="leave")
    jobs += site.submit("parked", site.accounts(PARKED))
    eventually("copies are parked", lambda: sum(
        depth for queue, depth in site.depths().items() if queue.startswith("retry.")) > 0, LONGEST)
    if daemon.stop() != 0:
        raise Failed("the daemon did not stop in order")
    jobs += site.submit("waiting", site.accounts(WAITING))
    return jobs + site.submit("bulk", site.accounts(BULK), "--bulk")


def _move(site: Site) -> str:
    """As docs/broker.md has it: the daemon stands, publishers have published, and then all of it moves."""
    daemon, old = site.daemon, site.node
    was = old.version()
    jobs = _fill(site)
    # A copy that comes due on its way would be in another queue there.
    eventually("copies are due, or wait for long", lambda: site.depths()["retry.1s"] == 0, LONGEST)
    _all_there(site, old)
    before = {queue: depth for queue, depth in site.depths().items() if depth}
    site.stage.note(f"before: {before}")
    new, management = site.broker(site.stage.broker_tree, "new")
    site.daemon.write(broker={"uris": [new.uri]})
    daemon.order("topology", "declare")
    for queue in before:
        site.shovel(management, queue, old, new)
    eventually("the old broker is empty", lambda: not any(site.depths(old).values()), LONGEST)
    _all_there(site, new)
    site.stage.note(f"after: {site.depths(new)}")
    old.stop()
    site.simulator.behaves()
    daemon.start()
    _finish(site, jobs, new, management)
    return f"{was} → {new.version()}: {len(jobs)} jobs, {MESSAGES} messages moved"


def _upgrade(site: Site) -> str:
    """In place, while the daemon runs: the API is away, so that jobs stay in the broker."""
    daemon, node = site.daemon, site.node
    was = node.version()
    jobs = _fill(site)
    process = daemon.start()
    eventually("the daemon holds", lambda: '"api_unavailable"' in daemon.command("status", "--json")[1], LONGEST)
    _all_there(site, node)
    node.control("enable_feature_flag", "all")
    node.stop()
    node.tree = site.stage.broker_tree
    node.start(LONGEST)
    _all_there(site, node)
    site.stage.note(f"after: {site.depths()}")
    site.simulator.behaves()
    _finish(site, jobs, node, site.management)
    if daemon.process is not process:
        raise Failed("the daemon was started again")
    return f"{was} → {node.version()} in place: {len(jobs)} jobs, {MESSAGES} messages in it"


def _all_there(site: Site, node: Node) -> None:
    """Waits for it, because a broker counts what lies in a quorum queue every few seconds."""
    eventually("every message is counted", lambda: sum(site.depths(node).values()) == MESSAGES, LONGEST, every=1)


def _finish(site: Site, jobs: list[str], node: Node, management: str) -> None:
    eventually("every job has a result", lambda: site.depths(node)["results"] >= len(jobs), LONGEST, every=1)
    if site.daemon.stop() != 0:
        raise Failed("the daemon did not stop in order")
    _judge(site, jobs, site.results(management))


def _judge(site: Site, jobs: list[str], results: list[dict]) -> None:
    """One result for each job, one effect for each user, and no call but where the one before was answered."""
    ids = [result["jobId"] for result in results]
    if sorted(set(ids)) != sorted(jobs):
        raise Failed(f"{len(set(ids))} jobs of {len(jobs)} have a result")
    wrong = [result for result in results
             if result["outcome"] != ("failed" if result["jobId"].startswith("failed") else "left")]
    if wrong:
        raise Failed(f"not as it must be: {wrong[:3]}")
    effects: dict[str, int] = {}
    for line in site.simulator.journal.read_text().splitlines():
        call = json.loads(line)
        effects[call["token"]] = effects.get(call["token"], 0) + (call["effect"] == "left")
    twice = [token for token, count in effects.items() if count > 1]
    left = sum(effects.values())
    if twice or left != len(jobs) - FAILED:
        raise Failed(f"{left} users left of {len(jobs) - FAILED}; more than once: {twice}")
