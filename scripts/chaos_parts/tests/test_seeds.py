"""The same seed gives the same messages and the same schedule; another seed gives others."""
import unittest

from auditor.expectations import AILMENTS
from chaos_parts import schedule
from chaos_parts.load import badjobs
from chaos_parts.load.messages import END, Maker


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

    def test_bad_jobs_come_when_their_fault_falls_and_are_the_seeds_own(self):
        fallen = schedule.make(7, 60, {"bad_jobs": 3})
        made = Maker(7, 500, 60, 1_800_000_000.0, faults=fallen).make()
        bad = [message for message in made if message.nature == "bad_job" and message.role == "job"]
        self.assertEqual(len(bad), sum(len(fault.details["ailments"]) for fault in fallen))
        for message in bad:
            self.assertTrue(any(f.at <= message.at <= f.at + f.seconds for f in fallen), message)
        self.assertEqual([vars(m) for m in made if m.nature != "bad_job"],
                         [vars(m) for m in Maker(7, 500, 60, 1_800_000_000.0).make()])

    def test_bad_jobs_are_of_every_row_and_of_every_number(self):
        bursts = [badjobs.last_burst(seed, quick=False) for seed in range(500)]
        self.assertEqual({name for burst in bursts for name in burst}, set(AILMENTS))
        self.assertEqual({len(burst) for burst in bursts}, set(range(1, badjobs.MOST + 1)))
        quick = [badjobs.last_burst(seed, quick=True) for seed in range(100)]
        self.assertTrue(all(AILMENTS[name].quick for burst in quick for name in burst))
        self.assertEqual(max(map(len, quick)), badjobs.QUICK_MOST)

    def test_the_end_has_good_jobs_around_its_bad_ones(self):
        made = Maker(7, 0, END.seconds, 1_800_000_000.0).make_end(END, badjobs.last_burst(7, quick=False))
        good = [message.at for message in made if message.nature == "good"]
        bad = [message.at for message in made if message.nature == "bad_job"]
        self.assertLess(100, len(good))
        self.assertTrue(all(END.calm <= at < END.calm + 3 for at in bad))
        self.assertLess(END.calm + 60, max(good))

    def test_a_count_that_is_asked_for_is_kept(self):
        made = schedule.make(3, 60, {"kill_daemon": 12, "broker_kill": 2})
        self.assertEqual([sum(f.kind == kind for f in made) for kind in ("kill_daemon", "broker_kill")], [12, 2])

    def test_faults_of_a_family_do_not_overlap(self):
        families = {}
        for fault in schedule.make(5, 120, dict.fromkeys(schedule.KINDS)):
            self.assertGreaterEqual(fault.at, families.get(fault.family, 0))
            families[fault.family] = fault.at + fault.seconds
