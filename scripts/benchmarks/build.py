"""Compiles what is measured and what measures."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
YARDSTICKS = ROOT / "scripts/yardsticks"
OUTPUT = ROOT / ".build/bench"
# Where Debian puts the sources of Go packages.
GO_PATH = "/usr/share/gocode"


def compile_c(name):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    source, binary = YARDSTICKS / f"{name}.c", OUTPUT / name
    if _is_newer(binary, source, YARDSTICKS / "broker.h"):
        return binary
    subprocess.run(
        ["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-o", binary, source,
         "-lrabbitmq", "-lcurl", "-lsqlite3"], check=True)
    return binary


def compile_go():
    source, binary = YARDSTICKS / "worker.go", OUTPUT / "worker-go"
    if not _is_newer(binary, source):
        environment = dict(os.environ, GOPATH=GO_PATH, GO111MODULE="off", GOFLAGS="")
        subprocess.run(["go", "build", "-o", binary, source], check=True, env=environment)
    return binary


def compile_daemon(product="leave-albumd"):
    """The release build, as the package has it."""
    command = ["swift", "build", "-c", "release", "--static-swift-stdlib", "--package-path", ROOT]
    subprocess.run([*command, "--product", product], check=True, stdout=subprocess.DEVNULL)
    shown = subprocess.run([*command, "--show-bin-path"], check=True, capture_output=True, text=True)
    return Path(shown.stdout.strip()) / product


def _is_newer(binary, *sources):
    return binary.exists() and all(binary.stat().st_mtime > source.stat().st_mtime for source in sources)
