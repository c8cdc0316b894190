"""Three servers of which one is the primary: another takes its place and has what was committed, and nothing of them
stays."""
import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from testbed import database_cluster
from testbed.database_cluster import DatabaseCluster
from testbed.database_node import lives
from testbed.roles import DATABASE, WORKER
from testbed.waiting import NotReady, eventually


class Programs(unittest.TestCase):
    def test_without_them_it_says_what_to_do(self):
        with mock.patch.object(database_cluster.shutil, "which", return_value=None):
            with self.assertRaisesRegex(NotReady, "scripts/install-dependencies --failover"):
                DatabaseCluster("/nowhere")


class Etcd(unittest.TestCase):
    def test_as_many_as_are_asked_for_are_killed_and_any_may_be_the_first(self):
        for draw, count, names in ((0.0, 1, ["etcd1"]), (0.99, 1, ["etcd3"]), (0.99, 2, ["etcd3", "etcd1"])):
            etcd = database_cluster.Etcd(Path("/nowhere"))
            self.assertEqual(etcd.kill(count, draw), names)


class Wires(unittest.TestCase):
    def test_a_server_that_can_be_cut_off_speaks_to_the_others_over_wires_alone_and_listens_to_clients_itself(self):
        # Nothing is started: what would manage them need not be there.
        there = mock.patch.object(database_cluster.shutil, "which", return_value="/there")
        with tempfile.TemporaryDirectory() as directory, there:
            servers = DatabaseCluster(Path(directory) / "database", has_wires=True)
            try:
                for node in servers.nodes:
                    settings = json.loads((node.directory / "patroni.yml").read_text())
                    wires = {f"127.0.0.1:{wire.port}" for wire in node._wires}
                    said = {settings["restapi"]["connect_address"], settings["postgresql"]["connect_address"],
                            *settings["etcd3"]["hosts"]}
                    self.assertEqual(said, wires)
                    self.assertEqual(settings["postgresql"]["listen"], f"127.0.0.1:{node.port}")
            finally:
                servers.end()


@unittest.skipUnless(shutil.which("patroni") and shutil.which("etcd"), "scripts/install-dependencies --failover")
class Life(unittest.TestCase):
    def test_a_killed_primary_is_replaced_loses_nothing_and_comes_back(self):
        with tempfile.TemporaryDirectory() as directory:
            servers = DatabaseCluster(Path(directory) / "database")
            try:
                servers.start()
                servers.prepare()
                self.assertRegex(servers.worker_url, rf"^postgresql://{WORKER}@(127.0.0.1:\d+,){{2}}127.0.0.1:\d+/")
                servers.run("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)", DATABASE)
                first, timeline = servers.primary(), servers.timeline()
                first.kill()
                self.assertFalse(first.is_running or first.server)
                servers.await_commits()
                self.assertIsNot(servers.primary(), first)
                self.assertEqual(servers.timeline(), timeline + 1)
                servers.run("INSERT INTO kept VALUES (2)", DATABASE)
                first.start()
                servers.await_whole()
                for node in servers.nodes:
                    eventually(f"{node.name} has both", lambda node=node: servers.ask(
                        node.port, "SELECT n FROM kept ORDER BY n", DATABASE) == "1\n2")
                running = [node.server for node in servers.nodes]
                self.assertNotIn(None, running)
            finally:
                servers.end()
            self.assertFalse(servers.directory.exists() or servers.sockets.exists())
            self.assertFalse([number for number in running if lives(number)])

    @unittest.skipUnless(os.environ.get("LEAVE_ALBUMD_WHOLE_DRILLS"), "it does not follow again each time")
    def test_a_primary_that_is_cut_off_gives_up_before_another_begins_and_follows_it_later(self):
        with tempfile.TemporaryDirectory() as directory:
            servers = DatabaseCluster(Path(directory) / "database", has_wires=True)
            try:
                servers.start()
                first, timeline, found = servers.primary(), servers.timeline(), []
                first.cut_off()
                while not found or found[-1] == [first]:
                    found.append(servers.writable())
                self.assertEqual(found[-1], [])
                self.assertIsNot(servers.primary(beside=first), first)
                servers.await_commits()
                self.assertEqual(servers.timeline(), timeline + 1)
                first.come_back()
                servers.await_whole()
                self.assertNotIn(first, servers.writable())
            finally:
                servers.end()

    def test_of_etcd_one_member_is_missed_by_nobody_and_without_two_there_is_no_primary(self):
        with tempfile.TemporaryDirectory() as directory:
            servers = DatabaseCluster(Path(directory) / "database")
            try:
                servers.start()
                first, timeline = servers.primary(), servers.timeline()
                servers.etcd.kill(1, 0.0)
                servers.await_commits()
                self.assertEqual((servers.primary(), servers.timeline()), (first, timeline))
                servers.etcd.kill(1, 0.5)
                eventually("nobody takes writes", lambda: not servers.writable(), 120)
                servers.etcd.start()
                servers.await_commits()
                servers.await_whole()
                self.assertEqual(len(servers.writable()), 1)
            finally:
                servers.end()
