"""What is said of two daemons on one ledger."""
import unittest

from auditor.contention import overlaps, takeovers, tenures


def process(slot, pid, start, end, killed=True):
    events = [{"event": "start", "slot": slot, "pid": pid, "at": start},
              {"event": "end", "slot": slot, "pid": pid, "at": end + 50, "asked": "SIGKILL" if killed else None}]
    return events + ([{"event": "signal", "slot": slot, "pid": pid, "at": end, "signal": "SIGKILL"}] if killed else [])


class Contention(unittest.TestCase):
    def setUp(self):
        self.ends = process("a", 1, 0, 5_000) + process("b", 2, 10, 9_000)
        self.lines = {"a": [(100, "working"), (150, "consuming")], "b": [(5_400, "working"), (5_600, "consuming")]}

    def test_one_after_the_other(self):
        found = tenures(self.lines, self.ends)
        self.assertEqual([(slot, began, until) for slot, began, until, _ in found],
                         [("a", 100, 5_000), ("b", 5_400, 9_000)])
        self.assertEqual(overlaps(found), [])
        self.assertEqual(takeovers(self.lines, self.ends), {"own": [], "other": [600]})

    def test_two_at_once_are_seen(self):
        self.lines["b"] = [(4_900, "working")]
        self.assertEqual(len(overlaps(tenures(self.lines, self.ends))), 1)

    def test_one_that_never_ended_is_in_the_others_way(self):
        self.ends = [event for event in self.ends if event["pid"] != 1 or event["event"] == "start"]
        self.assertEqual(len(overlaps(tenures(self.lines, self.ends))), 1)

    def test_a_short_life_is_not_taken_for_one_without_end(self):
        self.ends = process("a", 1, 0, 350, killed=False) + process("b", 2, 10, 9_000)
        self.assertEqual(overlaps(tenures(self.lines, self.ends)), [])
