"""A civil clock that jumps, for programs that it is preloaded into."""
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """`environment` is what a program is started with to live by it."""

    def __init__(self, directory: Path):
        self._file = directory / "clock"
        self._file.write_bytes(bytes(8))
        library = directory / "clock.so"
        subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        self.environment = {"LD_PRELOAD": str(library), "TESTBED_CLOCK": str(self._file)}

    def set(self, offset: int) -> None:
        """What the programs' clock says more than this machine's, in seconds."""
        with open(self._file, "r+b", buffering=0) as file:
            file.write(struct.pack("q", offset))
