"""One run: jobs, strikes, a quiet end in which two daemons are killed; then the auditor judges."""
import argparse
import json
import signal
import time
from pathlib import Path

from auditor.journal import Journal, now_ms
from testbed.waiting import eventually

from .. import report
from ..load.publisher import Publisher
from ..run import say
from . import load, plan
from .stage import Stage
from .strikes import DayLimit, Strikes
from .upgrade import Upgrade


def run(options: argparse.Namespace) -> dict:
    """Runs, audits, writes the report. Gives it."""
    faults = plan.make(options.seed, options.seconds, options.counts)

    def perform(directory: Path) -> report.Found:
        say(options, f"seed {options.seed}: {options.members} daemons, {options.jobs} jobs of {options.accounts} "
                     f"accounts, {len(faults)} strikes in {options.seconds} s, in {directory}")
        stage = Stage(options, directory)
        try:
            return _perform(options, stage, faults), stage.versions()
        finally:
            stage.end()

    return report.of_run(options, f"cluster-{options.seed}", faults, perform)


def _perform(options: argparse.Namespace, stage: Stage, faults: list) -> dict:
    directory = stage.directory
    maker = load.Maker(options.seed)
    made = maker.make(options.jobs, options.accounts, options.seconds)
    load.arrange(stage.simulator, made)
    published, fallen = Journal(directory / "published.jsonl"), Journal(directory / "faults.jsonl")
    upgrade = Upgrade(stage, options.seconds, fallen.write) if options.beside else None
    # Not before all is arranged: what is late then comes, and strikes, all at once.
    start = float(int(time.time()) + 2)
    collector = stage.start_collector()
    publisher = Publisher(stage.node.ports, stage.prefix, made, start, published)
    day = DayLimit(stage, options.jobs * 10, fallen.write) if options.day_limit else None
    strikes = Strikes(stage, faults, start, fallen)
    if upgrade:
        upgrade.begin(start)
    strikes.join()
    upgraded = upgrade and upgrade.end()
    eventually("every message is confirmed", lambda: publisher.is_done, seconds=options.timeout)
    say(options, f"  {publisher.total} messages published, {sum(strikes.counts.values())} strikes fell")
    before = stage.settle(options.timeout)
    say(options, f"  still after {before and round(before, 1)} s; {collector.count} results")
    if day:
        day.leave()
        if day.spent is None:
            strikes.errors.append(f"the day's limit of {options.day_limit} calls was never spent")
    if options.failover:
        # Of what the machine was too busy for no rule knows.
        others = stage.database.timeline() - 1 - strikes.failovers
        if others:
            strikes.errors.append(f"{others} failovers of a primary that was not killed, and could not say that it lives")
    publisher.stop()
    publisher = _quiet(options, stage, maker, len(made), published, fallen, strikes.errors)
    settled = stage.settle(options.timeout, is_helped=False) if before is not None else None
    members = _members(stage)
    holds = stage.holds()
    statuses = stage.daemons.stop()
    eventually("the collector has everything", stage.is_collected, seconds=60)
    collector.stop()
    publisher.stop()
    code, text = stage.daemons.command("ledger", "verify")
    (directory / "final.json").write_text(json.dumps({
        "depths": stage.depths(), "settled": settled, "holds": holds, "stopped": statuses,
        "ledgerVerify": [code, text[:500]], "offset": start, "at": now_ms(),
        **({"remembered": stage.remembered()} if options.asynchronous else {})}))
    if upgrade:
        strikes.errors += upgrade.errors
    return {"upgrade": upgraded, "faults": strikes.counts, "faultErrors": strikes.errors, "notes": stage.notes[-50:],
            "settledAfter": settled and round(settled, 1), "members": members,
            "daySpent": day and {"limit": options.day_limit, "calls": day.spent}}


def _quiet(
    options: argparse.Namespace, stage: Stage, maker: load.Maker, first: int, published: Journal, fallen: Journal,
    errors: list[str]
) -> Publisher:
    """Few jobs and nothing else wrong, but that two members are killed one after the other: how soon others go on."""
    made = maker.make_quiet(options.quiet_end)
    load.arrange(stage.simulator, made)
    start = float(int(time.time()) + 2)
    publisher = Publisher(stage.node.ports, stage.prefix, made, start, published, first=first)
    for place, part in enumerate(load.QUIET_KILLS):
        time.sleep(max(0.0, start + part * options.quiet_end - time.time()))
        member = stage.daemons.slots[place % len(stage.daemons.slots)]
        at = now_ms()
        if member.signal(signal.SIGKILL):
            fallen.write(at=at, until=at, kind="kill_daemon", slot=member.slot, quiet=True)
        else:
            errors.append(f"at the quiet end there was no daemon {member.slot} to be killed")
    time.sleep(max(0.0, start + options.quiet_end - time.time()))
    eventually("every message of the quiet end is confirmed", lambda: publisher.is_done, seconds=options.timeout)
    return publisher


def _members(stage: Stage) -> list[dict] | str:
    """The table of all that ever worked, as any member knows it."""
    code, text = stage.daemons.command("ledger", "members", "--json")
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()] if code == 0 else text
    except ValueError:
        return text
