"""What the machine keeps from everybody is measured by who does nothing but wake, and by nobody else."""
import itertools
import json
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

from auditor.stalls import Stalls
from chaos_parts.members import watch
from testbed import processes
from testbed.waiting import eventually


class Machine:
    """Time passes only in sleeps, each of which may take longer than it should."""

    def __init__(self, late):
        self.time, self.late = 0.0, late

    def now(self):
        return self.time

    def sleep(self, ms):
        self.time += ms + self.late(self.time)


def watched(late, count):
    machine = Machine(late)
    return list(itertools.islice(watch.windows(machine.now, machine.sleep), count))


class Watch(unittest.TestCase):
    def test_who_wakes_in_time_lost_nothing(self):
        self.assertEqual({window["lost"] for window in watched(lambda _: 0.5, 8)}, {0.0})

    def test_what_each_wake_up_is_late_adds_up(self):
        for window in watched(lambda _: 10, 8):
            self.assertAlmostEqual(window["lost"] / window["took"], 0.5, delta=0.05)

    def test_a_stop_of_everything_is_one_line_as_long_as_it_was(self):
        found = watched(lambda now: 60_000 if 1_000 <= now < 1_010 else 0, 10)
        stop, = (window for window in found if window["lost"])
        self.assertEqual(stop["lost"], 60_000)
        self.assertGreaterEqual(stop["took"], 60_000)

    def test_it_writes_while_it_goes_on_and_a_stop_of_itself_is_seen(self):
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "stalls.jsonl"
            child = processes.spawn([sys.executable, "-B", watch.__file__, path], Path(directory) / "out")
            try:
                eventually("it writes", lambda: path.exists() and path.read_text(), seconds=30)
                began = time.time_ns() // 1_000_000
                os.kill(child.pid, signal.SIGSTOP)
                eventually("it stands", lambda: time.time_ns() // 1_000_000 - began > 700, seconds=30)
                until = time.time_ns() // 1_000_000
                os.kill(child.pid, signal.SIGCONT)

                def stalls():
                    return Stalls([json.loads(line) for line in path.read_text().splitlines()])
                eventually("it noted that", lambda: stalls().lost(began, until) is not None, seconds=30)
                self.assertGreater(stalls().lost(began, until), 500)
            finally:
                self.assertEqual(processes.end(child), 0)


class OfATime(unittest.TestCase):
    def setUp(self):
        self.stalls = Stalls([{"at": 250 * n, "until": 250 * (n + 1), "lost": 100 if n == 4 else 0} for n in range(8)])

    def test_what_was_lost_of_a_time_is_that_of_its_windows(self):
        self.assertEqual(self.stalls.lost(0, 1_000), 0)
        self.assertEqual(self.stalls.lost(900, 1_300), 100)
        self.assertEqual(self.stalls.lost(1_200, 1_230), 30)
        self.assertEqual((self.stalls.total, self.stalls.watched), (100, 2_000))

    def test_of_a_time_that_was_not_watched_to_its_end_it_says_nothing_and_excuses_nobody(self):
        self.assertIsNone(self.stalls.lost(1_500, 2_200))
        self.assertIsNone(self.stalls.lost(-500, 1_000))
        self.assertIsNone(Stalls([]).lost(0, 10))
        self.assertEqual(self.stalls.lost_at_most(900, 2_300), 0)
