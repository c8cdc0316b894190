"""Jobs that wait in a broker of the release before, while it gives way to one of this release.

RabbitMQ upgrades a node's data from one series to the next only (docs/broker.md), and two Debian releases are further
apart than that. So it goes the way that always does: a second broker, and shovels that empty the first into it.
"""
import json

from testbed.waiting import eventually

from .cell import Failed
from .site import LONGEST, Site
from .stage import Stage

#: Jobs that nobody has looked at, on each of two lanes; jobs that were called, and are to be called again; those that
#: failed; and those that were done, whose results nobody has read.
WAITING, BULK, PARKED, FAILED, DONE = 120, 40, 10, 5, 20
#: Longer than the move takes, and short enough to be waited for.
DELAY = "90s"


def trial(stage: Stage) -> str:
    site = Site(stage, tree=stage.previous_broker_tree)
    site.daemon.write(retry={"delays": ["1s", DELAY]})
    try:
        return _move(site)
    finally:
        site.end()


def _move(site: Site) -> str:
    daemon, old = site.daemon, site.node
    was = old.version()
    daemon.order("topology", "declare")
    daemon.start("--new-ledger")
    jobs = site.submit("done", site.accounts(DONE))
    jobs += site.submit("failed", ["nobody"] * FAILED)
    eventually("those are over", lambda: site.depths()["results"] == DONE + FAILED, LONGEST)
    site.simulator.answers({"fault": "status", "status": 503}, method="leave")
    jobs += site.submit("parked", site.accounts(PARKED))
    eventually("copies are parked for long", lambda: site.depths()[f"retry.{DELAY}"] == PARKED, LONGEST)
    # As docs/broker.md has it: the daemon stands, publishers publish, and then all of it moves.
    if daemon.stop() != 0:
        raise Failed("the daemon did not stop in order")
    jobs += site.submit("waiting", site.accounts(WAITING))
    jobs += site.submit("bulk", site.accounts(BULK), "--bulk")
    before = {queue: depth for queue, depth in site.depths().items() if depth}
    site.stage.note(f"before: {before}")

    new, management = site.broker(site.stage.broker_tree, "new")
    site.daemon.write(broker={"uris": [new.uri]})
    daemon.order("topology", "declare")
    for queue in before:
        site.shovel(management, queue, old, new)
    eventually("the old broker is empty", lambda: not any(site.depths(old).values()), LONGEST)
    # A shovel that has moved what was there is gone by itself.
    eventually("what was there is there", lambda: sum(site.depths(new).values()) == sum(before.values()), LONGEST)
    after = {queue: depth for queue, depth in site.depths(new).items() if depth}
    site.stage.note(f"after: {after}")
    if after != before:
        raise Failed(f"the old broker had {before}, the new one has {after}")
    old.stop()
    site.simulator.behaves()
    daemon.start()
    eventually("every job has a result", lambda: site.depths(new)["results"] >= len(jobs), LONGEST)
    if daemon.stop() != 0:
        raise Failed("the daemon did not stop in order")
    _judge(site, jobs, site.results(management))
    return f"{was} → {new.version()}: {len(jobs)} jobs, {sum(before.values())} messages moved"


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
