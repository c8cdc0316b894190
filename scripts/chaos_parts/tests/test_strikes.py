"""What strikes several servers of a database, with the servers made up."""
import unittest
from types import SimpleNamespace
from unittest import mock

from chaos_parts.members import strikes
from chaos_parts.members.strikes import Strikes
from chaos_parts.schedule import Fault
from testbed.waiting import NotReady


def node(name: str) -> mock.Mock:
    made = mock.Mock(**{"commits_after.return_value": 3})
    made.name = name
    return made


class Servers(unittest.TestCase):
    def setUp(self):
        self.first, self.second = node("n1"), node("n2")
        self.database = mock.Mock(**{
            "primary.side_effect": lambda beside=None: self.second if beside else self.first,
            "timeline.side_effect": [1, 2], "branch.return_value": (1, "0/0"), "etcd.kill.return_value": ["etcd2"]})
        self.strikes = object.__new__(Strikes)
        self.strikes.environment = SimpleNamespace(
            database=self.database, options=SimpleNamespace(asynchronous=False))
        self.strikes.failovers = 0
        self.enterContext(mock.patch.object(strikes.time, "sleep"))

    def strike(self, kind: str) -> dict:
        return getattr(self.strikes, f"_{kind}")(Fault(0, 1, kind, "database", {"draw": 0.5}))

    def test_a_primary_that_is_cut_off_gives_up_and_comes_back(self):
        self.database.writable.side_effect = [[self.first], [self.first], []]
        detail = self.strike("primary_cut_off")
        self.assertNotIn("since", detail)
        self.assertEqual((detail["nodes"], detail["unshared"], detail["timeline"]), (["n1"], 3, 2))
        self.assertLessEqual(detail["gone"], detail["until"])
        self.assertEqual(self.strikes.failovers, 1)
        self.first.come_back.assert_called_once_with()

    def test_what_it_took_meanwhile_is_lost_where_no_commit_waits_for_a_standby(self):
        self.database.writable.side_effect = [[]]
        self.strikes.environment.options.asynchronous = True
        detail = self.strike("primary_cut_off")
        self.assertLessEqual(detail["since"], detail["gone"])

    def test_two_that_take_writes_at_once_are_named(self):
        self.database.writable.side_effect = [[self.first, self.second]]
        with self.assertRaisesRegex(NotReady, "n1, n2"):
            self.strike("primary_cut_off")
        self.first.come_back.assert_called_once_with()

    def test_a_failover_for_one_member_of_etcd_is_none_of_its_due(self):
        with self.assertRaisesRegex(NotReady, "one member of etcd"):
            self.strike("etcd_killed")
        self.database.timeline.side_effect = [1, 1, 1]
        detail = self.strike("etcd_killed")
        self.assertNotIn("gone", detail)
        self.assertEqual((detail["nodes"], self.strikes.failovers), (["etcd2"], 0))
        self.assertEqual(self.database.etcd.start.call_count, 2)

    def test_without_most_of_etcd_there_is_no_primary_until_it_is_back(self):
        self.database.writable.side_effect = [[self.first], []]
        detail = self.strike("etcd_majority_killed")
        self.database.etcd.kill.assert_called_once_with(2, 0.5)
        self.assertLessEqual(detail["gone"], detail["until"])
        self.assertEqual(self.strikes.failovers, 1)
