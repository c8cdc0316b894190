"""The command line of scripts/matrix."""
import argparse
import os
from pathlib import Path

from testbed import programs

from . import releases
from .cell import Cell, play
from .rows import ROWS
from .stage import Stage
from .table import summary, table

NAME = "scripts/matrix"
NEEDED = {"mmdebstrap": "mmdebstrap", "unshare": "util-linux", "chroot": "coreutils"}


def main(words: list[str], description: str) -> int:
    parser = argparse.ArgumentParser(prog=NAME, description=description)
    parser.add_argument("--only", action="append", metavar="NAME", default=[],
                        help="a cell, a row or a release; may be given several times, and with commas")
    parser.add_argument("--list", action="store_true", help="says which cells there are, and does nothing")
    parser.add_argument("--directory", type=Path, default=programs.ROOT / ".build/matrix", metavar="DIR",
                        help="where trees and logs are kept (default: .build/matrix)")
    parser.add_argument("--programs", type=Path, metavar="DIR",
                        help="use the debug build with its tests in that folder (default: swift build --build-tests)")
    options = parser.parse_args(words)
    cells = [Cell(row, suite) for row in ROWS for suite in row.suites]
    named = [word for given in options.only for word in given.split(",")]
    unknown = [word for word in named if not any(cell.is_named(word) for cell in cells)]
    if unknown:
        programs.quit_with(64, NAME, f"no cell, row or release is called {', '.join(unknown)}: see --list")
    chosen = [cell for cell in cells if not named or any(cell.is_named(word) for word in named)]
    if options.list:
        for cell in chosen:
            print(f"{cell.name:<22} {cell.row.title}")
        return 0
    missing = programs.missing_packages(NEEDED)
    if os.geteuid() != 0 or missing:
        programs.quit_with(77, NAME, f"needs root, for the trees, and {' '.join(missing) or 'nothing else'}")
    programs.exit_on_sigterm()
    return _play(chosen, options)


def _play(chosen: list[Cell], options: argparse.Namespace) -> int:
    built = options.programs or programs.build("--build-tests", products=())
    logs = options.directory / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    outcomes, versions = [], {}
    for cell in chosen:
        log = logs / f"{cell.name}.log"
        log.unlink(missing_ok=True)
        stage = Stage(options.directory, cell.suite, built, log)
        try:
            outcome = play(cell, stage)
            versions.setdefault(cell.suite, {}).update(stage.versions())
        finally:
            stage.end()
        outcomes.append(outcome)
        verdict = "PASS" if outcome.passed else "FAIL"
        print(f"{verdict}  {cell.name:<22} {outcome.seconds:6.0f} s  {outcome.seen}", flush=True)
        if not outcome.passed:
            print(f"      {log}", flush=True)
    suites = [suite for suite in releases.SUITES if suite in versions]
    print(f"\n{table(ROWS, suites, versions, outcomes)}\n\n{summary(outcomes)}")
    return 0 if all(outcome.passed for outcome in outcomes) else 1
