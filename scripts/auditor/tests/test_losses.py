"""What a failover lost is counted, and excuses nobody but whom it was lost of."""
import unittest

from auditor.tests.records import T
from auditor.tests.test_cluster import SharedRecords


class Losses(unittest.TestCase):
    def setUp(self):
        self.run_ = SharedRecords()
        self.run_.left("a", "plain", 1_000)

    def lose(self, since, gone):
        self.run_.fault("primary_killed", since, gone + 5_000, since=T + since, gone=T + gone, unshared=7)

    def called_twice(self, at):
        self.run_.left("a", "twice", at, account="bob")
        self.run_.call_by("b", "twice", at + 6_500, account="bob", effect="none", answer="409")

    def test_a_run_that_lost_nothing_says_nothing_of_losses(self):
        self.run_.fault("primary_killed", 5_000, 9_000, gone=T + 5_000, unshared=2)
        verdict = self.run_.judge()
        self.assertEqual((verdict["violations"], verdict["losses"], verdict["costOfLosses"]), ({}, None, {}))

    def test_a_second_call_of_what_was_lost_is_counted(self):
        self.lose(19_000, 21_000)
        self.called_twice(20_000)
        verdict = self.run_.judge()
        self.assertEqual(verdict["violations"], {})
        self.assertEqual(verdict["costOfLosses"]["asked"], 1)
        lost = verdict["losses"]
        self.assertEqual((lost["failovers"], lost["commits"], lost["jobs"], lost["called for again, unasked"]),
                         (1, 7, 1, 1))

    def test_a_primary_that_was_cut_off_lost_what_it_took_until_it_gave_up(self):
        self.run_.fault("primary_cut_off", 19_000, 40_000, since=T + 19_000, gone=T + 23_000, unshared=9)
        self.called_twice(22_000)
        verdict = self.run_.judge()
        self.assertEqual((verdict["violations"], verdict["losses"]["commits"]), ({}, 9))

    def test_a_second_call_of_what_was_not_lost_is_a_violation(self):
        self.lose(9_000, 11_000)
        self.called_twice(20_000)
        verdict = self.run_.judge()
        self.assertIn("asked", verdict["violations"])
        self.assertEqual((verdict["costOfLosses"], verdict["losses"]["jobs"]), ({}, 0))

    def test_what_is_about_nobody_is_excused_by_nothing(self):
        self.lose(900, 1_100)
        self.run_.final["settled"] = None
        self.assertIn("stuck", self.run_.judge()["violations"])

    def test_ended_jobs_that_the_ledger_does_not_know_the_end_of_are_counted(self):
        self.lose(900, 1_100)
        self.run_.left("a", "kept", 30_000)
        self.run_.left("a", "undone", 31_000)
        for ended, left_open, counts in ((["kept"], ["undone"], (1, 1)), (["kept", "plain", "undone"], [], (0, 0))):
            self.run_.final["remembered"] = {"ended": ended, "open": left_open}
            lost = self.run_.judge()["losses"]
            self.assertEqual((lost["ended, and open in the ledger"], lost["ended, and unknown to the ledger"]), counts)
