"""What is started: programs of this checkout, and what the machine must have."""
import shutil
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


def quit_with(status: int, program: str, sentence: str) -> NoReturn:
    print(f"{program}: {sentence}", file=sys.stderr)
    sys.exit(status)
