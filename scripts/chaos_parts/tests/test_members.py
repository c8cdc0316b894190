"""What strikes several daemons and what they get to do is made from the seed alone, and is what was asked for."""
import collections
import io
import unittest
from contextlib import redirect_stderr

import auditor
from auditor import facts
from chaos_parts.members import broken, lies, load, plan, terms
from chaos_parts.members.command import parse


def messages(seed):
    return [vars(message) for message in load.Maker(seed).make(4_000, 50, 60)]


class Members(unittest.TestCase):
    def test_the_same_seed_is_the_same_run_and_another_is_another(self):
        self.assertEqual(messages(7), messages(7))
        self.assertNotEqual(messages(7), messages(8))
        self.assertEqual(plan.make(7, 60, plan.SHORT.counts), plan.make(7, 60, plan.SHORT.counts))
        self.assertNotEqual(plan.make(7, 60, plan.SHORT.counts), plan.make(8, 60, plan.SHORT.counts))

    def test_some_are_published_twice_and_of_every_nature_there_are_some(self):
        made = messages(7)
        roles = collections.Counter(message["role"] for message in made)
        self.assertEqual(roles["job"], 4_000)
        self.assertTrue(150 <= roles["copy"] <= 250, roles)
        self.assertEqual({message["nature"] for message in made}, {"ordinary", *load.NATURES})
        self.assertLessEqual({message["account"] for message in made}, {f"m{n}" for n in range(50)})

    def test_no_quiet_job_waits_for_another_of_its_account(self):
        made = load.Maker(7).make_quiet(30)
        self.assertEqual(len(made), load.quiet_count(30))
        self.assertEqual(len({message.account for message in made}), len(made))
        tokens = load.token_lines(50, len(made))
        for message in (made[0], made[-1]):
            self.assertIn(f"{message.account}\t", tokens)

    def test_calls_are_under_way_at_each_kill_of_the_quiet_end_and_other_jobs_on_their_way(self):
        for seconds in (plan.CI.quiet_end, plan.FULL.quiet_end):
            made = load.Maker(7).make_quiet(seconds)
            self.assertEqual(made, sorted(made, key=lambda message: message.at))
            self.assertGreaterEqual(made[0].at, 0)
            for part in load.QUIET_KILLS:
                kill = part * seconds
                slow = [message for message in made if message.fault and message.at < kill < message.at + load.SLOW_MS / 1000]
                self.assertEqual(len(slow), load.SLOW_JOBS)
                self.assertGreaterEqual(sum(kill - 0.1 < message.at < kill for message in made), load.BURST)
        self.assertLess(load.SLOW_MS, terms.TIMEOUT_MS)

    def test_each_strike_falls_as_often_as_was_asked_for(self):
        for size in (plan.CI, plan.SHORT, plan.FULL, plan.FAILOVER, plan.ASYNCHRONOUS):
            made = plan.make(3, size.seconds, size.counts)
            self.assertEqual(collections.Counter(fault.kind for fault in made), size.counts)
            self.assertLess(max(fault.at + fault.seconds for fault in made), size.seconds)

    def test_a_stop_outlives_a_lease_and_stops_do_not_overlap(self):
        stops = [fault for fault in plan.make(3, 600, plan.FULL.counts) if fault.kind == "stop_daemon"]
        for fault, following in zip(stops, stops[1:]):
            self.assertGreater(fault.seconds, terms.LEASE_SECONDS)
            self.assertLessEqual(fault.at + fault.seconds, following.at + 0.01)

    def test_a_late_answer_comes_after_the_daemon_gave_up_and_before_its_lease_is_over(self):
        late, = (action["milliseconds"] for fault in load.UNANSWERED for action in fault["actions"]
                 if action["fault"] == "delay")
        self.assertTrue(terms.TIMEOUT_MS < late < terms.TIMEOUT_MS + terms.GRACE_MS)

    def test_a_broken_member_is_named_by_rules_that_there_are(self):
        for name, kind in broken.KINDS.items():
            self.assertTrue(kind.rules and kind.rules <= auditor.CLUSTER_RULES.keys(), name)
            self.assertEqual(parse(["--broken", name]).counts, kind.strikes)

    def test_a_blind_members_claims_are_in_time_and_its_stop_is_long_enough_for_others_to_call(self):
        self.assertLess(4 * broken.BLIND_DELAY * 1000, terms.SEND_WINDOW_MS)
        self.assertGreater(broken.BLIND_STOP, terms.LEASE_SECONDS)

    def test_a_host_whose_clock_is_ahead_takes_leases_for_over_and_nobody_for_dead(self):
        """Said to be alive for fifteen seconds, every five."""
        self.assertTrue(terms.LEASE_SECONDS < lies.AHEAD_SECONDS < 15 - 5)

    def test_an_upgrade_replaces_every_member_and_puts_one_back_in_between(self):
        for members in (1, 2, 3, 5):
            replaced, times = {}, []
            for at, place, is_new in plan.upgrade(members, 60):
                self.assertNotEqual(replaced.get(place, False), is_new)
                replaced[place] = is_new
                times.append(at)
            self.assertEqual(replaced, dict.fromkeys(range(members), True))
            self.assertEqual(times, sorted(times))
            self.assertTrue(plan.DECLARED * 60 < times[0] and times[-1] < 60)

    def test_of_two_builds_none_is_broken(self):
        self.assertEqual(parse(["--ci", "--beside", "/tmp/older"]).beside.name, "older")
        with self.assertRaises(SystemExit), redirect_stderr(io.StringIO()):
            parse(["--beside", "/tmp/older", "--broken", next(iter(broken.KINDS))])

    def test_the_day_is_spent_in_the_middle_unless_it_is_said_otherwise(self):
        self.assertEqual(parse(["--short", "--strikes", "none"]).day_limit, 1_500)
        self.assertEqual(parse(["--jobs", "400", "--strikes", "kill_daemon=3", "--day-limit", "0"]).day_limit, 0)
        self.assertEqual(parse(["--strikes", "kill_daemon=3,stop_daemon"]).counts, {"kill_daemon": 3, "stop_daemon": 1})

    def test_what_kills_one_of_several_servers_is_for_several_and_what_kills_the_only_one_is_not(self):
        self.assertEqual(plan.OF_SEVERAL | plan.OF_THE_ONLY | {"drop_database", "drop_broker"}, {
            kind for kind, (family, _) in plan.KINDS.items()
            if family in ("database", "broker") or kind in ("drop_database", "drop_broker")})
        for size, several in ((plan.FULL, False), (plan.SHORT, False), (plan.CI, False), (plan.FAILOVER, True),
                              (plan.ASYNCHRONOUS, True)):
            self.assertFalse(size.counts.keys() & (plan.OF_THE_ONLY if several else plan.OF_SEVERAL))
        for arguments in (["--strikes", "primary_killed"], ["--failover", "--strikes", "database_kill"]):
            with self.assertRaises(SystemExit), redirect_stderr(io.StringIO()) as said:
                parse(arguments)
            self.assertIn("--failover", said.getvalue())
        self.assertTrue(parse(["--asynchronous"]).failover)

    def test_the_auditor_knows_every_strike_that_takes_database_or_broker_away(self):
        self.assertLessEqual(plan.OF_SEVERAL | plan.OF_THE_ONLY, facts.DATABASE_AWAY | facts.BROKER_AWAY)
