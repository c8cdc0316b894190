"""The frame of every chaos run: its directory, its times, the auditor's verdict, the report."""
import argparse
import json
import resource
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import auditor
from testbed import programs

from . import campaign

#: What a run gives of itself, and the versions of the programs that were in it.
Found = tuple[dict, dict]


def _cpu_seconds() -> float:
    """Of this process and all that it started and that has ended: how busy a machine is with a run, whatever else it does."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(
        resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def of_run(
    options: argparse.Namespace, name: str, faults: Sequence, perform: Callable[[Path], Found],
    judge: Callable[[Path], dict] = auditor.judge
) -> dict:
    """Runs `perform` in a directory of the run's own, judges what it left, and writes the report. Gives it. A run that
    fails or is told to end is judged by what it left until then, and says that it did not come to its end."""
    parent = Path(options.directory) if options.directory else Path(tempfile.mkdtemp(prefix="chaos-"))
    directory = parent / name
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    began, used = time.time(), _cpu_seconds()
    (directory / "schedule.json").write_text(json.dumps([vars(fault) for fault in faults], indent=1))
    broke = None
    try:
        facts, versions = perform(directory)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        broke = error
        said = "".join(traceback.format_exception_only(error)).strip()
        facts, versions = {"faults": {}, "faultErrors": [f"the run broke off: {said}"], "notes": [],
                           "settledAfter": None}, {"commit": programs.commit()}
    report = {
        "seed": options.seed, "command": options.command, "began": int(began), "seconds": round(time.time() - began, 1),
        "cpuSeconds": round(_cpu_seconds() - used, 1),
        "versions": versions, "contention": None, **facts, **judge(directory)}
    (parent / f"report-{name}.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    if not options.keep and not report["violations"]:
        shutil.rmtree(directory, ignore_errors=True)
    elif not options.keep:
        shutil.rmtree(directory / "broker", ignore_errors=True)
    if isinstance(broke, (SystemExit, KeyboardInterrupt)):
        campaign.show(report)
        raise broke
    return report
