"""The auditor's tables have what the documents have. What is missing is named, with the file that it is to be added to.
"""
import re
import unittest
from pathlib import Path

from auditor.expectations import ANSWERS, NO_ANSWER, TOKENLESS
from auditor.reasons import REASONS, REJECTIONS

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs"


def rows(page: str) -> list[list[str]]:
    """The cells of each line of the page's tables."""
    lines = (DOCUMENTS / page).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


class Documents(unittest.TestCase):
    def test_every_row_of_the_verdicts_is_expected(self):
        documented = {int(cells[0]) for cells in rows("verdicts.md") if cells[0].isdecimal()}
        self.assertLess(30, len(documented), "the search is broken if it finds few")
        answered = {answer.row for answer in ANSWERS.values()}
        for row in sorted(documented - answered - NO_ANSWER.keys()):
            self.fail(f"scripts/auditor/expectations.py knows nothing of row {row} of docs/verdicts.md: add a line to "
                      f"ANSWERS, `_row({row}, …)`, or the number to NO_ANSWER with the reason why no job has it")
        for row in sorted((answered | NO_ANSWER.keys()) - documented):
            self.fail(f"row {row} of scripts/auditor/expectations.py is not in docs/verdicts.md")
        self.assertEqual(answered & NO_ANSWER.keys(), set(), "in ANSWERS and in NO_ANSWER")

    def test_every_reason_is_what_it_is_for_who_reads_results(self):
        documented = {}
        for cells in rows("messages.md"):
            if len(cells) == 4 and cells[1] in ("failed", "rejected"):
                _, outcome, effect, step = cells
                documented.update({name: (outcome, effect == "unknown", step)
                                   for name in re.findall(r"`([a-z_]+)`", cells[0])})
        self.assertLess(25, len(documented), "the search is broken if it finds few")
        for name in sorted(documented.keys() - REASONS.keys()):
            self.fail(f"scripts/auditor/reasons.py does not know {name} of docs/messages.md: add a line to REASONS, "
                      f"`\"{name}\": Reason(…)`")
        for name in sorted(REASONS.keys() - documented.keys()):
            self.fail(f"{name} of scripts/auditor/reasons.py is not in the table of reasons of docs/messages.md")
        for name, reason in REASONS.items():
            outcome = "rejected" if reason.is_rejection else "failed"
            self.assertEqual((outcome, reason.is_unknown, reason.next), documented[name],
                             f"{name}: scripts/auditor/reasons.py and docs/messages.md differ in outcome, in whether "
                             "the effect is always unknown, or in next")

    def test_an_expected_end_is_a_reason(self):
        for name, answer in ANSWERS.items():
            for reason in sorted(answer.ends or ()):
                self.assertIn(reason, REASONS, f"{name} ends with {reason}: add it to REASONS of "
                                               "scripts/auditor/reasons.py, or name another in ANSWERS")
                self.assertNotIn(reason, REJECTIONS, f"{name}: a call is made, so the job is not rejected")
                self.assertTrue(REASONS[reason].is_from_api,
                                f"{name} ends with {reason}: scripts/auditor/reasons.py must say `is_from_api=True`, "
                                "or its rule of reasons explains no such end")
        self.assertEqual(set(TOKENLESS.values()) - REASONS.keys(), set())
