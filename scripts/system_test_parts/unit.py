"""The unit as systemd and the journal know it."""

import json
import re
import time

from testbed.waiting import wait

UNIT = "leave-albumd.service"


class Unit:
    """Part of a Worker, which has the container and the commands."""

    def show(self, *properties: str) -> dict[str, str] | str:
        """The unit's properties as systemd gives them."""
        text = self.container.run("systemctl", "show", UNIT, *(f"--property={name}" for name in properties)).stdout
        pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return pairs[properties[0]] if len(properties) == 1 else pairs

    def systemctl(self, verb: str, check: bool = True) -> float:
        """Returns how long it took, in seconds."""
        began = time.monotonic()
        self.container.run("systemctl", verb, UNIT, check=check)
        return time.monotonic() - began

    def is_consuming(self) -> bool:
        found = self.albumd("status", check=False).stdout
        return re.search(r"^state *consuming", found, re.MULTILINE) is not None

    def await_consuming(self, seconds: float = 60) -> None:
        if not wait(self.is_consuming, seconds):
            raise RuntimeError(f"not consuming within {seconds} s: {self.show('ActiveState', 'StatusText')}; "
                               f"{self.last_lines()}")

    def await_status(self, pattern: str, seconds: float) -> tuple[bool, str]:
        """The first STATUS text that has the pattern, or None; and the last one seen."""
        seen = ""

        def matches():
            nonlocal seen
            seen = self.show("StatusText")
            return re.search(pattern, seen) is not None
        found = wait(matches, seconds, every=0.25)
        return found, seen

    def mark(self) -> None:
        """What the journal has from here on is what `lines` gives."""
        # Of the unit's own last line: from any other, journalctl leaves out the first that matches (systemd 252).
        done = self.container.run(
            "journalctl", "--quiet", "-u", UNIT, "--show-cursor", "-n", "1", "-o", "cat", check=False).stdout
        self._after = done.split("-- cursor: ", 1)[1].strip() if "-- cursor: " in done else None

    def lines(self) -> list[dict]:
        """The unit's journal since the last mark, as objects."""
        after = [f"--after-cursor={self._after}"] if self._after else []
        text = self.container.run("journalctl", "--quiet", "-u", UNIT, "-o", "json", "--no-pager", *after).stdout
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def messages(self) -> list[str]:
        return [str(line.get("MESSAGE", "")) for line in self.lines()]

    def last_lines(self, count: int = 4) -> str:
        return " | ".join(self.messages()[-count:])
