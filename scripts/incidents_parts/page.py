"""A page of docs/incidents as data: the signals of its table and its one command."""

import re
from collections.abc import Sequence

from testbed.programs import ROOT

FOLDER = ROOT / "docs/incidents"
COMMAND_SECTION = "## The one command that settles it"


class Signal:
    """A row of the table "How it shows": where an operator sees what. `…` stands for anything."""

    def __init__(self, place: str, text: str):
        self.place = place
        self.text = text
        pattern = ".*".join(re.escape(part) for part in text.split("…"))
        if place == "metric" and text.endswith(" …"):
            # Any number but none: a counter is there before anything has happened.
            pattern = pattern[:-len(".*")] + r"(?!0$)\S+"
        self._pattern = re.compile(pattern)

    def is_in(self, text: str) -> bool:
        """Whether one STATUS, one line of the log or one line of the metrics is this signal."""
        if self.place == "metric":
            return self._pattern.fullmatch(text) is not None
        return (self._pattern.match if self.place == "STATUS" else self._pattern.search)(text) is not None

    def __str__(self) -> str:
        return f"{self.place} {self.text}"


class Page:
    def __init__(self, name: str):
        self.name = name
        text = (FOLDER / f"{name}.md").read_text()
        self.signals = [
            Signal(place, shown) for place, shown
            in re.findall(r"^\| (alert|STATUS|log|metric) \| `([^`]+)` \|", text, re.MULTILINE)]
        section = text.split("\n" + COMMAND_SECTION + "\n", 1)[1].split("\n## ", 1)[0]
        self.command = re.search(r"^    (.+)$", section, re.MULTILINE).group(1)
        # What a scenario has seen of it.
        self.seen: set[Signal] = set()

    def having(self, words: Sequence[str]) -> list[Signal]:
        """The signals whose text has one of the words, none left out; all of them for no words."""
        for word in words:
            if not any(word in signal.text for signal in self.signals):
                raise ValueError(f"the page {self.name} has no signal with {word!r}")
        return [signal for signal in self.signals if not words or any(word in signal.text for word in words)]

    def unseen(self) -> list[str]:
        return [str(signal) for signal in self.signals if signal not in self.seen]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.name != "README.md")


def indexed() -> list[str]:
    """The pages as README.md of their folder has them, in that order."""
    return re.findall(r"\]\(([a-z-]+)[.]md\)", (FOLDER / "README.md").read_text())
