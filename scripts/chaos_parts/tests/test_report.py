"""A run is judged whatever becomes of it."""
import argparse
import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

from chaos_parts import report
from testbed.waiting import NotReady


def fail(error):
    def perform(directory):
        (directory / "published.jsonl").write_text(json.dumps({
            "number": 1, "at": 1, "confirmed": 2, "role": "job", "key": "leave", "nature": "ordinary", "job": "left-over",
            "account": "ann", "token": "album", "sha256": "0", "size": 1}) + "\n")
        raise error
    return perform


class Report(unittest.TestCase):
    def run_(self, perform):
        with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()) as said:
            options = argparse.Namespace(directory=directory, seed=1, command="chaos", keep=False)
            try:
                return report.of_run(options, "it", [], perform), said.getvalue()
            except SystemExit:
                return json.loads((Path(directory) / "report-it.json").read_text()), said.getvalue()

    def test_a_run_that_fails_is_judged_by_what_it_left(self):
        found, _ = self.run_(fail(NotReady("every message is confirmed")))
        self.assertEqual(set(found["violations"]), {"accounted", "stuck"})
        self.assertRegex(found["faultErrors"][0], "the run broke off: .*every message is confirmed")

    def test_a_run_that_is_told_to_end_is_judged_said_and_ended(self):
        found, said = self.run_(fail(SystemExit(143)))
        self.assertEqual(set(found["violations"]), {"accounted", "stuck"})
        self.assertIn("VIOLATION of stuck", said)
