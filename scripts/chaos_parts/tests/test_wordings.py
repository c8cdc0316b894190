"""What the API is to answer is what the simulator can answer, and the other way round."""
import re
import unittest
from collections.abc import Iterator

from auditor.expectations import ANSWERS
from chaos_parts.load import messages
from testbed.programs import ROOT

#: Wordings that refuse nothing.
SUCCESS = {"empty", "no_content"}


def simulated() -> tuple[str, set[str]]:
    """The file that has the wordings, below the root, and their names."""
    file = next((ROOT / "Sources/photos-simulator").rglob("Wordings.swift"))
    return str(file.relative_to(ROOT)), set(re.findall(r'^        "(\w+)": ', file.read_text(), re.MULTILINE))


def wordings(value: object) -> Iterator[str]:
    """Those named anywhere in a value."""
    if isinstance(value, dict):
        yield from [value["wording"]] if "wording" in value else []
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from wordings(part)


class Wordings(unittest.TestCase):
    def setUp(self):
        self.file, self.names = simulated()
        self.assertLess(45, len(self.names), "the search is broken if it finds few")
        self.expected = set(wordings([[answer.leave, answer.get] for answer in ANSWERS.values()]))

    def test_the_simulator_has_each(self):
        for name in sorted((self.expected | set(wordings(messages.FLAKY))) - self.names):
            self.fail(f"the simulator has no wording {name}: add it to `all` in {self.file}")

    def test_each_of_the_simulators_is_expected(self):
        for name in sorted(self.names - self.expected - SUCCESS):
            self.fail(f"no job of scripts/chaos is answered {name} of {self.file}: add it to a line of ANSWERS in "
                      "scripts/auditor/expectations.py, with its row and how the job may end")
