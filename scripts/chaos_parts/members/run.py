"""One run: jobs, strikes, a quiet end in which two daemons are killed; then the auditor judges."""
import argparse
import json
import shutil
import signal
import tempfile
import time
from pathlib import Path

import auditor
from auditor.journal import Journal, now_ms
from testbed.waiting import eventually

from ..load.publisher import Publisher
from ..run import say
from . import load, plan
from .stage import Stage
from .strikes import DayLimit, Strikes

#: At which parts of the quiet end one is killed, and which.
QUIET_KILLS = ((0.2, 0), (0.6, 1))


def run(options: argparse.Namespace) -> dict:
    """Runs, audits, writes the report. Gives it."""
    parent = Path(options.directory) if options.directory else Path(tempfile.mkdtemp(prefix="chaos-"))
    directory = parent / f"cluster-{options.seed}"
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    faults = plan.make(options.seed, options.seconds, options.counts)
    say(options, f"seed {options.seed}: {options.members} daemons, {options.jobs} jobs of {options.accounts} accounts, "
                 f"{len(faults)} strikes in {options.seconds} s, in {directory}")
    began = time.time()
    (directory / "schedule.json").write_text(json.dumps([vars(fault) for fault in faults], indent=1))
    stage = Stage(options, directory)
    try:
        found = _perform(options, stage, faults)
        versions = stage.versions()
    finally:
        stage.end()
    verdict = auditor.judge(directory)
    report = {
        "seed": options.seed, "command": options.command, "began": int(began), "seconds": round(time.time() - began, 1),
        "versions": versions, "contention": None, **found, **verdict}
    (parent / f"report-{options.seed}.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    shutil.rmtree(directory / "broker", ignore_errors=True)
    if not options.keep and not report["violations"]:
        shutil.rmtree(directory, ignore_errors=True)
    return report


def _perform(options: argparse.Namespace, stage: Stage, faults: list) -> dict:
    directory = stage.directory
    start = float(int(time.time()) + 2)
    maker = load.Maker(options.seed, start)
    made = maker.make(options.jobs, options.accounts, options.seconds)
    load.arrange(stage.simulator, made)
    collector = stage.start_collector()
    published, fallen = Journal(directory / "published.jsonl"), Journal(directory / "faults.jsonl")
    publisher = Publisher(stage.node.ports, stage.prefix, made, start, published)
    day = DayLimit(stage, options.jobs * 10, fallen.write) if options.day_limit else None
    strikes = Strikes(stage, faults, start, fallen)
    strikes.join()
    eventually("every message is confirmed", lambda: publisher.is_done, seconds=options.timeout)
    say(options, f"  {publisher.total} messages published, {sum(strikes.counts.values())} strikes fell")
    before = stage.settle(options.timeout)
    say(options, f"  still after {before and round(before, 1)} s; {collector.count} results")
    if day:
        day.leave()
    publisher.stop()
    publisher = _quiet(options, stage, maker, len(made), published, fallen)
    settled = stage.settle(options.timeout, is_helped=False) if before is not None else None
    members = _members(stage)
    holds = stage.holds()
    stage.write_terms()
    statuses = stage.daemons.stop()
    eventually("the collector has everything", stage.is_collected, seconds=60)
    collector.stop()
    publisher.stop()
    code, text = stage.daemons.command("ledger", "verify")
    (directory / "final.json").write_text(json.dumps({
        "depths": stage.depths(), "settled": settled, "holds": holds, "stopped": statuses,
        "ledgerVerify": [code, text[:500]], "offset": start, "at": now_ms()}))
    return {"faults": strikes.counts, "faultErrors": strikes.errors, "notes": stage.notes[-50:],
            "settledAfter": settled and round(settled, 1), "members": members,
            "daySpent": day and {"limit": options.day_limit, "calls": day.spent}}


def _quiet(
    options: argparse.Namespace, stage: Stage, maker: load.Maker, first: int, published: Journal, fallen: Journal
) -> Publisher:
    """Few jobs and nothing else wrong, but that two members are killed one after the other: how soon others go on."""
    start = float(int(time.time()) + 1)
    maker.start = start
    publisher = Publisher(stage.node.ports, stage.prefix, maker.make_quiet(options.quiet_end), start, published, first=first)
    for part, place in QUIET_KILLS:
        time.sleep(max(0.0, start + part * options.quiet_end - time.time()))
        member = stage.daemons.slots[place % len(stage.daemons.slots)]
        at = now_ms()
        if member.signal(signal.SIGKILL):
            fallen.write(at=at, until=at, kind="kill_daemon", slot=member.slot, quiet=True)
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
