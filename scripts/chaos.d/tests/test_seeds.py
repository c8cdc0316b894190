"""The same seed gives the same messages and the same schedule; another seed gives others."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from proving import schedule  # noqa: E402
from proving.messages import Maker  # noqa: E402


def messages(seed):
    return [vars(message) for message in Maker(seed, 500, 60, 1_800_000_000.0, poison=1).make()]


def faults(seed):
    return [vars(fault) for fault in schedule.make(seed, 60, dict.fromkeys(schedule.KINDS))]


class Seeds(unittest.TestCase):
    def test_the_same_seed_is_the_same_run(self):
        self.assertEqual(messages(7), messages(7))
        self.assertEqual(faults(7), faults(7))

    def test_another_seed_is_another(self):
        self.assertNotEqual(messages(7), messages(8))
        self.assertNotEqual(faults(7), faults(8))

    def test_every_kind_of_message_comes(self):
        many = messages(7)
        self.assertEqual({one["role"] for one in many}, {"job", "copy", "conflict", "bad", "cancel"})
        self.assertLess(20, len({one["nature"] for one in many} | {one["expect"] for one in many}) + 5)

    def test_a_count_that_is_asked_for_is_kept(self):
        made = schedule.make(3, 60, {"kill_daemon": 12, "broker_kill": 2})
        self.assertEqual([sum(f.kind == kind for f in made) for kind in ("kill_daemon", "broker_kill")], [12, 2])

    def test_faults_of_a_family_do_not_overlap(self):
        families = {}
        for fault in schedule.make(5, 120, dict.fromkeys(schedule.KINDS)):
            self.assertGreaterEqual(fault.at, families.get(fault.family, 0))
            families[fault.family] = fault.at + fault.seconds


if __name__ == "__main__":
    unittest.main()
