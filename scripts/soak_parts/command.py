"""The command line of scripts/soak."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from testbed import programs
from testbed.daemon import Daemon, write_private
from testbed.node import Node
from testbed.simulator import Simulator

from . import feeding

ACCOUNTS = 1000


def main(words: list[str], description: str) -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=description)
    parser.error = lambda message: programs.quit_with(64, "scripts/soak", message)
    parser.add_argument("--jobs", type=int, default=1_000_000, metavar="N", help="default 1000000")
    parser.add_argument("--every", type=float, default=5, metavar="SECONDS", help="between two looks; default 5")
    parser.add_argument("--json", default=".build/soak.json", metavar="FILE",
                        help="where the report goes, from the top of the checkout; default .build/soak.json")
    options = parser.parse_args(words)
    subprocess.run([programs.ROOT / "scripts/install-dependencies"], check=True)
    given = os.environ.get("SOAK_PROGRAMS")
    built = Path(given) if given else programs.build("-c", "release")
    programs.exit_on_sigterm()
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    status = 1
    try:
        status = _run(options, built, directory)
    finally:
        if status != 0:
            for log in directory.glob("*.log"):
                print(f"{log.name}:", *log.read_text().splitlines()[-20:], sep="\n", file=sys.stderr)
        shutil.rmtree(directory, ignore_errors=True)
    return status


def _run(options: argparse.Namespace, built: Path, directory: Path) -> int:
    node = Node(directory / "broker")
    simulator = daemon = None
    try:
        node.start()
        simulator = Simulator(built / programs.SIMULATOR, directory)
        tokens = write_private(directory / "tokens", "".join(f"user{n}\tsim:user{n}\n" for n in range(ACCOUNTS)))
        daemon = Daemon(built / programs.DAEMON, directory, {
            "broker": {"uris": [node.uri]},
            "api": {"base_url": simulator.url},
            "credentials": {"providers": ["static"]},
            "credentials.static": {"token_file": str(tokens)},
            "limits": {"requests_per_day": 0, "requests_per_minute_per_account": 0, "pace": "asap"},
            "ledger": {"path": str(directory / "ledger.sqlite3")},
            "log": {"level": "notice", "format": "text"},
        })
        daemon.order("topology", "declare")
        daemon.start("--new-ledger")
        return feeding.feed(daemon, node.port, options.jobs, options.every, programs.ROOT / options.json, ACCOUNTS)
    finally:
        if daemon:
            daemon.stop()
        if simulator:
            simulator.stop()
        node.end()
