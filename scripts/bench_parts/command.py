"""The command line of scripts/bench."""
import argparse
import json
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from testbed.programs import ROOT, commit, exit_on_sigterm

from . import axes, goals, machine, micro, plot, profile, shared, tables, workers
from .compiled import OUTPUT
from .environment import Environment
from .setup import Setup

AXES = {**axes.ALL, **shared.ALL}

EPILOGUE = """\
Without --axis: the goals, every worker in turn. Axes that fill large queues or ledgers take longer;
--limit N leaves out their points above N. Figures count only on a machine that does nothing else.

  scripts/bench                              the goals
  scripts/bench --axis backlog --axis ledger
  scripts/bench --jobs 500 --rounds 1        whether it works at all
  scripts/bench --ledger postgres            one daemon over PostgreSQL beside the embedded ledger
  scripts/bench --cluster                    that, and what several daemons reach over one database
  scripts/bench --goals FILE...              the goals by results that are there
  scripts/bench --micro check                instructions and allocations of the hot pieces: also on a busy machine
  scripts/bench --profile perf               where the daemon's time goes; with --ledger postgres over that
"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures leave-albumd beside yardsticks on this machine.", epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--axis", action="append", choices=list(AXES), help="what to measure; may be repeated")
    made.add_argument("--jobs", type=int, default=20_000, metavar="N", help="of one run of a fast worker (20000)")
    made.add_argument("--rounds", type=int, default=3, metavar="N", help="of each point (3)")
    made.add_argument("--limit", type=int, default=10_000_000, metavar="N", help="the largest point of an axis")
    made.add_argument("--workers", default=",".join(workers.ALL), metavar="NAMES", help="of " + ", ".join(workers.ALL))
    made.add_argument("--ledger", choices=["postgres"], help="as --axis postgres, and no other worker than the daemon")
    made.add_argument("--cluster", action="store_true", help="as all axes of a shared ledger, and no other worker")
    made.add_argument("--keep", metavar="NAME", help="keep result and plot as docs/bench/NAME")
    made.add_argument("--goals", nargs="+", metavar="FILE", help="print the goals by these results, measure nothing")
    made.add_argument("--micro", choices=["check", "write"], help="count what the hot pure pieces cost; write ceilings")
    made.add_argument("--profile", choices=list(profile.ALL), help="the daemon under a profiler")
    return made


def say(text: str) -> None:
    print(text, flush=True)


def main(words: list[str]) -> int:
    options = parser().parse_args(words)
    if options.goals:
        records = []
        for name in options.goals:
            with open(name) as file:
                records += json.load(file)["records"]
        print("\n".join(tables.goals_text(goals.table(records))))
        return 0
    if options.micro:
        return micro.check(say, write=options.micro == "write")
    subprocess.run([ROOT / "scripts/install-dependencies", "--bench"], check=True)
    exit_on_sigterm()
    names = [name for name in options.workers.split(",") if name]
    options.axis = options.axis or []
    if options.ledger or options.cluster:
        options.axis += list(shared.ALL) if options.cluster else ["postgres"]
        names = ["daemon"]
    if any(axis in shared.ALL for axis in options.axis) and "daemon-postgres" not in names:
        names.append("daemon-postgres")
    if options.profile:
        names = ["daemon-postgres" if options.ledger else "daemon"]
    chosen = [workers.make(name) for name in names]
    daemon = next((worker for worker in chosen if isinstance(worker, workers.Daemon)), None) or workers.make("daemon")
    with Environment() as environment:
        daemon.declare(environment, Setup())
        environment.declare_classic()
        if options.profile:
            profile.ALL[options.profile](environment, daemon, options.jobs, say)
            return 0
        result = measure(environment, chosen, options, words)
    name = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    kept = write(result, OUTPUT, name)
    if options.keep:
        directory = ROOT / "docs/bench"
        directory.mkdir(exist_ok=True)
        for file in kept:
            shutil.copy(file, directory / f"{options.keep}{file.suffix}")
    say("kept as " + ", ".join(str(file.relative_to(ROOT)) for file in kept))
    return 0


def measure(
    environment: Environment, chosen: list[workers.Worker], options: argparse.Namespace, words: list[str]
) -> dict:
    command = shlex.join(["scripts/bench", *words])
    about = machine.describe(environment.directory)
    known = machine.versions(chosen)
    say(command)
    say(", ".join(f"{name} {value}" for name, value in about.items()))
    say(", ".join(f"{name}: {value}" for name, value in known.items()))
    run = axes.Run(environment, chosen, options.jobs, options.rounds, options.limit, say)
    began = time.time()
    for axis in options.axis or ["goals"]:
        AXES[axis](run)
    rows = goals.table(run.records)
    say("")
    for line in tables.goals_text(rows) + [""] + tables.measured_text(run.records, workers.KINDS):
        say(line)
    return {
        "command": command, "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began), "commit": commit(), "machine": about, "versions": known,
        "goals": rows, "records": run.records,
    }


def write(result: dict, directory: Path, name: str) -> tuple[Path, Path]:
    data, picture = directory / f"{name}.json", directory / f"{name}.svg"
    # One record a line: small, and readable as a difference.
    records = ",\n".join(json.dumps(record) for record in result["records"])
    head = json.dumps({key: value for key, value in result.items() if key != "records"}, indent=1, ensure_ascii=False)
    data.write_text(head[:-2] + ',\n "records": [\n' + records + "\n]}\n")
    title = f"{result['command']}, {result['began']}, commit {result['commit']}"
    picture.write_text(plot.svg(title, result["records"]))
    return data, picture
