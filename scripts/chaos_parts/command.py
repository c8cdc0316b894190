"""The command line of scripts/chaos."""
import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import auditor
from testbed import programs

from . import campaign, schedule


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Faults fall on a running daemon by a seeded schedule; an auditor proves what became of each job.",
        epilog="scripts/chaos report DIR…   adds the reports of several runs up\n"
               "scripts/chaos audit DIR     judges the records of a kept run again\n"
               "scripts/chaos contend …     the active daemon is killed again and again: who works, and how soon\n"
               "scripts/chaos partition …   a cluster of three nodes of which one loses sight of the others\n"
               "scripts/chaos cluster …     several daemons on one ledger in PostgreSQL\n"
               "faults: " + ", ".join(schedule.KINDS) + "\n\n"
               "bad_jobs: 1 to 50 jobs that the API, or the token endpoint, refuses for themselves, always with the\n"
               "answer of one row of the table of verdicts, the same for all or each its own. A run with them has an\n"
               "end, in which nothing else is wrong: good jobs go on coming, bad ones come among them, nobody lifts a\n"
               "hold, and it is over when all bad ones are, or after 400 s (--ci: 90 s). Each good job has to be\n"
               "left, the first and after it the next within two rounds of probes, each bad one has to fail with its\n"
               "own reason, and no hold may stand when all is still.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60, help="in which jobs come and faults fall (default 60)")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--faults", default="all",
                        help="kinds with commas, each perhaps =COUNT; or all (default), ci, none")
    parser.add_argument("--directory", help="where reports and records go (default: a temporary one)")
    parser.add_argument("--ci", action="store_true",
                        help="a run for every change: --seconds 25 --jobs 1500, and few bad jobs that end soon")
    parser.add_argument("--runs", type=int, default=1, help="so many runs, of this seed and the next ones")
    parser.add_argument("--slow", action="store_true", help="also answers after which jobs wait for minutes")
    parser.add_argument("--keep", action="store_true", help="keep the records of a run without violations")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--durability", choices=["full", "normal"], default="full")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--latency", type=int, default=3, help="of the simulator, in ms")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--timeout", type=float, default=300, help="seconds until everything has to be still")
    parser.add_argument("--programs", help="where leave-albumd and photos-simulator are (default: swift build, debug)")
    if arguments[:1] == ["report"]:
        return _report(arguments[1:])
    if arguments[:1] == ["audit"]:
        return _audit(arguments[1:])
    if arguments[:1] == ["cluster"]:
        from .members import command
        return command.main(arguments[1:])
    contend, partition = arguments[:1] == ["contend"], arguments[:1] == ["partition"]
    options = parser.parse_args(arguments[1:] if contend or partition else arguments)
    options.command = "scripts/chaos " + " ".join(arguments)
    if contend and options.faults == "all":
        options.faults = f"kill_daemon={int(options.seconds / 4)},stop_daemon={int(options.seconds / 30)}"
    if options.ci:
        options.seconds, options.jobs, options.faults = 25.0, 1500, "ci"
    if partition and options.faults == "all":
        options.faults = f"partition={max(1, int(options.seconds / 30))},kill_daemon={int(options.seconds / 20)}"
    options.kinds = _kinds(parser, options)
    options.programs = Path(options.programs) if options.programs else programs.build()
    programs.exit_on_sigterm()
    from . import run
    status = 0
    for options.seed in range(options.seed, options.seed + options.runs):
        report = run.run(options)
        campaign.show(report)
        status = status or (1 if report["violations"] or report["faultErrors"] else 0)
    return status


def _kinds(parser: argparse.ArgumentParser, options: argparse.Namespace) -> dict[str, int | None]:
    """Kind → how often, or None for the usual rate."""
    if options.faults == "none":
        return {}
    if options.faults in ("all", "ci"):
        # A partition needs three nodes, and two cores are busy with one.
        kinds = dict.fromkeys(set(schedule.KINDS) - {"partition"} if options.faults == "all" else schedule.CI)
    else:
        kinds = {}
        for word in options.faults.split(","):
            name, _, count = word.partition("=")
            if name not in schedule.KINDS:
                parser.error(f"no fault is called {name}")
            kinds[name] = int(count) if count else None
    for name, why in _impossible(kinds).items():
        if options.faults not in ("all", "ci"):
            parser.error(f"{name} is not possible here: {why}")
        print(f"without {name}: {why}", file=sys.stderr)
        del kinds[name]
    return kinds


def _impossible(kinds: Iterable[str]) -> dict[str, str]:
    missing = {}
    for name in kinds:
        if name in ("ledger_full", "ledger_readonly") and os.geteuid() != 0:
            missing[name] = "only root can mount a file system of its own"
        if name in schedule.PACKETS and (os.geteuid() != 0 or not shutil.which("nft") or not shutil.which("ip")):
            missing[name] = "it needs root, iproute2 and nftables"
        if name == "clock_jump" and shutil.which("gcc") is None:
            missing[name] = "there is no gcc to build the clock that jumps"
    return missing


def _report(directories: list[str]) -> int:
    summary = campaign.add_up(directories)
    print(json.dumps(summary, indent=1, sort_keys=True))
    return 1 if summary["violations"] or not summary["runs"] else 0


def _audit(directories: list[str]) -> int:
    status = 0
    for directory in directories:
        verdict = auditor.judge(Path(directory))
        print(json.dumps(verdict, indent=1, sort_keys=True))
        status = status or (1 if verdict["violations"] else 0)
    return status
