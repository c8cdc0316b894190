"""What every trial stands on, as far as it needs no other program."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

from testbed import ports, processes
from testbed.clock import Clock
from testbed.daemon import Daemon
from testbed.lines import job_states, json_lines
from testbed.simulator import SimulatorControl, grant
from testbed.waiting import NotReady, eventually, wait


class Testbed(unittest.TestCase):
    def test_no_port_is_given_twice(self):
        given = [ports.free_port() for _ in range(200)]
        self.assertEqual(len(set(given)), len(given))
        self.assertTrue(all(20_000 <= port < 32_000 for port in given))

    def test_waiting_ends_with_the_first_true_value_and_says_what_did_not_come(self):
        values = iter([0, "", 7, 8])
        self.assertEqual(wait(lambda: next(values), 10, every=0), 7)
        self.assertEqual(wait(lambda: 0, 0), 0)
        with self.assertRaisesRegex(NotReady, "the sky falls"):
            eventually("the sky falls", lambda: False, seconds=0)

    def test_a_child_ends_by_force_when_it_does_not_obey(self):
        with tempfile.TemporaryDirectory() as directory:
            output = Path(directory) / "out"
            child = processes.spawn(["sh", "-c", "trap '' TERM; echo $WORD; exec sleep 60"], output,
                                    {"WORD": "ready"})
            eventually("it is deaf", lambda: output.read_text() == "ready\n")
            self.assertEqual(processes.end(child, seconds=0.1), -signal.SIGKILL)

    def test_settings_are_toml_for_their_owner_alone_and_change(self):
        with tempfile.TemporaryDirectory() as directory:
            daemon = Daemon("leave-albumd", Path(directory), {"broker": {"uris": ["amqp://a", 'b"\\']}})
            daemon.write(limits={"requests_per_day": 5}, **{"credentials.static": {"token_file": "ü"}})
            found = tomllib.loads(daemon.config.read_text())
            self.assertEqual(found["broker"], {"uris": ["amqp://a", 'b"\\']})
            self.assertEqual((found["limits"], found["credentials"]),
                             ({"requests_per_day": 5}, {"static": {"token_file": "ü"}}))
            self.assertEqual(daemon.config.stat().st_mode & 0o777, 0o600)

    def test_the_simulator_is_told_an_object_a_line_and_its_refusal_is_an_error(self):
        posted = []

        def post(path, body):
            posted.append((path, [json.loads(line) for line in body.splitlines()]))
            return '{"problem":"no"}' if "client" in path else '{"id":3}'
        simulator = SimulatorControl(post)
        simulator.answers({"wording": "gone"}, method="leave")
        self.assertEqual(posted, [("/_simulator/faults", [{"method": "leave", "actions": [{"wording": "gone"}]}])])
        with self.assertRaisesRegex(RuntimeError, "client"):
            simulator.arrange("client", {}, {})
        self.assertEqual(posted[1][1], [{}, {}])

    def test_the_states_of_jobs_are_the_last_line_that_is_an_object(self):
        said = json_lines([{"jobId": "a", "state": "left"}, {"summary": {"left": 1}}]) + "done\n"
        self.assertEqual(job_states(said), {"left": 1})
        self.assertEqual(job_states("no ledger\n"), {})

    def test_a_grant_is_the_same_for_whoever_arranges_and_whoever_imports_it(self):
        self.assertEqual(grant("ann", error="invalid_grant"),
                         {"refreshToken": "rt-ann", "account": "ann", "error": "invalid_grant"})

    @unittest.skipUnless(shutil.which("gcc"), "the clock is built by gcc")
    def test_one_clock_jumps_and_the_other_stands_still(self):
        with tempfile.TemporaryDirectory() as directory:
            clock = Clock(Path(directory))
            for jump, pause in ((0, 0), (300, 0), (-300, 7.5)):
                clock.set(jump)
                clock.stand_still(pause)
                before = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
                shown = subprocess.run(
                    [sys.executable, "-c", "import time; print(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME))"],
                    env={**os.environ, **clock.environment}, capture_output=True, text=True, check=True).stdout.split()
                for value, least, offset in zip(map(float, shown), before, (jump, -pause)):
                    self.assertTrue(least <= value - offset < least + 30, (shown, before))
