"""One run: lets jobs and faults go, waits until everything is still, and lets the auditor judge."""
import argparse
import json
import time
from pathlib import Path

import auditor
from auditor import contention
from auditor.journal import Journal, now_ms, read
from testbed.waiting import eventually

from . import report, schedule
from .environment import Environment
from .injector import FaultInjector
from .load import accounts, badjobs, messages
from .load.message import Message
from .load.publisher import Publisher

#: Seconds that what was wrong may go on being mended before the quiet end.
MOST_BEFORE_END, QUICK_BEFORE_END = 60, 15


def run(options: argparse.Namespace) -> dict:
    """Runs, audits, writes the report. Gives it."""
    faults = schedule.make(options.seed, options.seconds, options.kinds, options.slow, quick=options.ci)

    def perform(directory: Path) -> report.Found:
        say(options,
            f"seed {options.seed}: {options.jobs} jobs, {len(faults)} faults in {options.seconds} s, in {directory}")
        environment = Environment(options, directory)
        try:
            return _perform(options, environment, faults), environment.versions()
        finally:
            environment.end()

    def judge(directory: Path) -> dict:
        verdict = auditor.judge(directory)
        if "clock_jump" not in options.kinds:
            found = contention.judge(directory, read(directory / "ends.jsonl"))
            verdict["contention"] = found
            if found["overlaps"]:
                verdict["violations"]["contention"] = found["overlaps"]
        return verdict

    return report.of_run(options, f"seed-{options.seed}", faults, perform, judge)


def _perform(options: argparse.Namespace, environment: Environment, faults: list[schedule.Fault]) -> dict:
    directory = environment.directory
    # A whole second, so that the deadlines in bodies are exact.
    start = float(int(time.time()) + 2)
    made = messages.Maker(
        options.seed, options.jobs, options.seconds, start, poison=1 if "poison" in options.kinds else 0,
        faults=faults).make()
    accounts.arrange(environment.simulator, made)
    collector = environment.start_collector()
    published = Journal(directory / "published.jsonl")
    publisher = Publisher(environment.node.ports, environment.prefix, made, start, published)
    injector = FaultInjector(environment, faults, start, Journal(directory / "faults.jsonl"))
    injector.join()
    eventually("every message is confirmed", lambda: publisher.is_done, seconds=options.timeout)
    say(options, f"  {publisher.total} messages published, {sum(injector.counts.values())} faults fell")
    for since in environment.replays:
        status, text = environment.daemons.operate("results", "--since", since)
        environment.notes.append(f"results --since {since}: {status} {text.strip()}")
    has_end = "bad_jobs" in options.kinds
    if has_end:
        # What came before is over as far as it can be: some bad jobs end only when good ones come again.
        timeout = QUICK_BEFORE_END if options.ci else MOST_BEFORE_END
        environment.notes.append(f"still before the end: {environment.settle(timeout)}")
        publisher.stop()
        publisher = _end(options, environment, published, made)
    settled = environment.settle(options.timeout, is_helped=not has_end)
    # What an operator would still have to lift. Without an end nobody was there to test it.
    holds = environment.holds() if has_end else []
    statuses = environment.daemons.stop()
    eventually("the collector has everything", environment.is_collected, seconds=60)
    collector.stop()
    publisher.stop()
    environment.simulator.arrange("faults/clear")
    code, text = environment.daemons.command("ledger", "verify")
    (directory / "final.json").write_text(json.dumps({
        "depths": environment.depths(), "settled": settled, "holds": holds, "stopped": statuses,
        "ledgerVerify": [code, text[:500]], "offset": start, "at": now_ms()}))
    return {"faults": injector.counts, "faultErrors": injector.errors, "notes": environment.notes[-50:],
            "settledAfter": settled and round(settled, 1)}


def _end(
    options: argparse.Namespace, environment: Environment, journal: Journal, before: list[Message]
) -> Publisher:
    """Bad jobs among good ones when nothing else is wrong. An operator lifts what held before, and nothing after."""
    end = messages.QUICK_END if options.ci else messages.END
    start = float(int(time.time()) + 2)
    made = messages.Maker(options.seed, 0, end.seconds, start).make_end(
        end, badjobs.last_burst(options.seed, quick=options.ci))
    accounts.arrange_albums(environment.simulator, made)
    publisher = Publisher(environment.node.ports, environment.prefix, made, start, journal, first=len(before))
    while time.time() < start + end.calm - 1:
        environment.lift_holds()
        time.sleep(0.3)
    # Each is done when good ones have shown whose fault it is, so that these go on coming.
    bad = {f"{message.job}#0" for message in [*before, *made] if message.ailment is not None}
    while time.time() < start + end.seconds and not bad <= environment.collector.jobs:
        time.sleep(0.5)
    publisher.end()
    eventually("every message of the end is confirmed", lambda: publisher.is_done, seconds=options.timeout)
    say(options, f"  {publisher.total} messages of the end published")
    return publisher


def say(options: argparse.Namespace, text: str) -> None:
    if not options.quiet:
        print(text, flush=True)
