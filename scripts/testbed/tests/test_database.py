"""A PostgreSQL of one's own: that it starts, forgets nothing in a kill, has its roles, and leaves nothing."""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from testbed import postgres, roles
from testbed.database import Database
from testbed.roles import DATABASE, OWNER, WORKER
from testbed.standby import Standby
from testbed.waiting import NotReady


class Programs(unittest.TestCase):
    def test_others_can_be_named_and_no_daemon_takes_their_name_for_a_setting(self):
        said = subprocess.run(
            [sys.executable, "-B", "-c", "import os; from testbed import postgres; "
             "print(postgres.programs(), postgres.PROGRAMS_VARIABLE in os.environ)"],
            env={**os.environ, postgres.PROGRAMS_VARIABLE: "/elsewhere/bin"}, check=True, text=True,
            stdout=subprocess.PIPE).stdout
        self.assertEqual(said, "/elsewhere/bin False\n")

    def test_without_any_it_says_what_to_do(self):
        with mock.patch.object(postgres, "_programs", None), mock.patch.object(postgres, "ROOT", Path("/nowhere")):
            with self.assertRaisesRegex(NotReady, "scripts/install-dependencies"):
                postgres.programs()


class RoleSettings(unittest.TestCase):
    def test_they_are_those_that_the_page_asks_for(self):
        page = (Path(__file__).resolve().parents[3] / "docs/cluster.md").read_text()
        asked = re.findall(rf"^ +ALTER ROLE {WORKER} IN DATABASE {DATABASE} SET (.+?);( +--.*)?$", page, re.MULTILINE)
        # A release that is older than 17 refuses what it does not know.
        asked = [setting for setting, note in asked if "17" not in note]
        self.assertLess(5, len(asked), "the search is broken if it finds few")
        self.assertEqual(sorted(roles.ROLE_SETTINGS), sorted(asked))


class Life(unittest.TestCase):
    def test_it_lives_through_stop_and_kill_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as directory:
            server = Database(Path(directory) / "database")
            try:
                server.start()
                server.prepare()
                server.run("CREATE TABLE kept (n int)", DATABASE)
                for end, number in ((server.stop, 1), (server.kill, 2)):
                    server.run(f"INSERT INTO kept VALUES ({number})", DATABASE)
                    end()
                    with self.assertRaises(NotReady):
                        server.run("SELECT 1")
                    server.start()
                self.assertEqual(server.run("SELECT n FROM kept ORDER BY n", DATABASE), "1\n2")
                roles = f"SELECT rolname, rolsuper FROM pg_roles WHERE rolname IN ('{OWNER}', '{WORKER}') ORDER BY 1"
                self.assertEqual(server.run(roles), f"{OWNER}|f\n{WORKER}|f")
                settings = server.run(f"SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = '{WORKER}'").split()
                self.assertIn("plan_cache_mode=force_generic_plan", settings)
                self.assertIn(f"host={server.sockets}", server.owner_url)
                self.assertEqual(server.password_file(Path(directory)).stat().st_mode & 0o777, 0o600)
                self.assertRegex(server.version(), r"^\d+\.\d+")
            finally:
                server.end()
            self.assertFalse(server.directory.exists() or server.sockets.exists())

    def test_a_standby_has_what_was_committed_and_is_waited_for_while_it_is_there(self):
        with tempfile.TemporaryDirectory() as directory:
            server = Database(Path(directory) / "database", ["max_connections=90"])
            try:
                server.start()
                server.run("CREATE TABLE kept (n int)")
                standby = Standby(server, Path(directory) / "standby")
                try:
                    standby.start()
                    server.run("SET synchronous_commit = remote_apply; INSERT INTO kept VALUES (1)")
                    self.assertEqual(standby.run("SELECT n, pg_is_in_recovery() FROM kept"), "1|t")
                    self.assertEqual(server.run("SELECT sync_state FROM pg_stat_replication"), "sync")
                finally:
                    standby.end()
                server.run("INSERT INTO kept VALUES (3)")
                self.assertIn("3", server.run("SELECT n FROM kept"))
            finally:
                server.end()
