"""A civil clock that jumps, and a monotonic one that stands still, for programs that they are preloaded into."""
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """`environment` is what a program is started with to live by it."""

    def __init__(self, directory: Path):
        self._file = directory / "clock"
        self._file.write_bytes(bytes(16))
        self._stood = 0
        library = directory / "clock.so"
        subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        self.environment = {"LD_PRELOAD": str(library), "TESTBED_CLOCK": str(self._file)}

    def set(self, offset: int) -> None:
        """What the programs' clock says more than this machine's, in seconds."""
        self._write(0, offset)

    def stand_still(self, seconds: float) -> None:
        """Their CLOCK_BOOTTIME has not gone on for so long: no program can see that it was stopped meanwhile."""
        self._stood += round(seconds * 1000)
        self._write(8, self._stood)

    def _write(self, place: int, value: int) -> None:
        with open(self._file, "r+b", buffering=0) as file:
            file.seek(place)
            file.write(struct.pack("q", value))
