"""What is started: programs of this checkout, and what the machine must have."""
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
DAEMON, SIMULATOR = "leave-albumd", "photos-simulator"


def build(*options: str, products: tuple[str, ...] = (DAEMON, SIMULATOR)) -> Path:
    """Builds products with these options of `swift build`. Gives the folder of the programs."""
    command = ["swift", "build", "--package-path", str(ROOT), *options]
    for product in products:
        subprocess.run([*command, "--product", product], check=True, stdout=subprocess.DEVNULL)
    shown = subprocess.run([*command, "--show-bin-path"], check=True, capture_output=True, text=True)
    return Path(shown.stdout.strip())


def missing_packages(needed: dict[str, str]) -> list[str]:
    """Debian packages of the commands that this machine has not; `needed` maps each command to its package."""
    return sorted({package for command, package in needed.items() if not shutil.which(command)})


def commit() -> str:
    """What this checkout has, and whether it was changed since."""
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    changed = "+changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return git("rev-parse", "--short", "HEAD") + changed


def exit_on_sigterm() -> None:
    """As if it had come to its end, so that everything that was started is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def quit_with(status: int, program: str, sentence: str) -> NoReturn:
    print(f"{program}: {sentence}", file=sys.stderr)
    sys.exit(status)
