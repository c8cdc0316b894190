"""Compiles what measures, and what the daemon is measured beside."""
import os
import subprocess
from pathlib import Path

from testbed.programs import ROOT

YARDSTICKS = Path(__file__).with_name("yardsticks")
OUTPUT = ROOT / ".build/bench"
# Where Debian puts the sources of Go packages.
GO_PATH = "/usr/share/gocode"


def compile_c(name: str) -> Path:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    source, binary = YARDSTICKS / f"{name}.c", OUTPUT / name
    if not _is_newer(binary, source, YARDSTICKS / "broker.h"):
        subprocess.run(
            ["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-o", binary, source,
             "-lrabbitmq", "-lcurl", "-lsqlite3"], check=True)
    return binary


def compile_go() -> Path:
    sources, binary = [YARDSTICKS / "worker.go", YARDSTICKS / "keeper.go"], OUTPUT / "worker-go"
    if not _is_newer(binary, *sources):
        OUTPUT.mkdir(parents=True, exist_ok=True)
        environment = dict(os.environ, GOPATH=GO_PATH, GO111MODULE="off", GOFLAGS="")
        subprocess.run(["go", "build", "-o", binary, *sources], check=True, env=environment)
    return binary


def _is_newer(binary: Path, *sources: Path) -> bool:
    return binary.exists() and all(binary.stat().st_mtime > source.stat().st_mtime for source in sources)
