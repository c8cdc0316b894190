"""What a demo says of its jobs."""
import unittest

from demo_parts.outcome import counts, gather


def call(sequence, job, method="leave", effect="left"):
    return {"sequence": sequence, "token": f"album-{job}", "method": method, "effect": effect}


def judged(results, calls, names=("a",)):
    return [problem for job in gather(names, results, calls).values() for problem in job.problems()]


class Outcome(unittest.TestCase):
    def test_one_result_however_often_it_came_and_one_effect(self):
        results = [("a#0", '{"outcome":"left"}')] * 2
        self.assertEqual(judged(results, [call(1, "a")]), [])
        job = gather(["a"], results, [call(1, "a")])["a"]
        self.assertEqual((job.copies, job.was_asked, counts([job])), (2, False, {"left": 1}))

    def test_a_job_that_was_asked_about_before_its_second_call(self):
        calls = [call(1, "a", effect="none"), call(2, "a", "get", "none"), call(3, "a")]
        self.assertEqual(judged([("a#0", "{}")], calls), [])
        self.assertEqual(judged([("a#0", "{}")], [calls[0], calls[2]]),
                         ["a was called twice, and the album was not asked between"])

    def test_what_is_not_as_it_must_be(self):
        self.assertEqual(judged([], []), ["a has 0 results", "a: its user left 0 times"])
        self.assertEqual(judged([("a#0", "{}"), ("a#0", "{ }")], [call(1, "a")]), ["a has 2 results"])
        self.assertEqual(judged([("a#0", "{}"), ("b#0", "{}")], [call(1, "a")]),
                         ["nobody's b#0: its user left 0 times"])
