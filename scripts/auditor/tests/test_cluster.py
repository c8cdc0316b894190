"""Several workers on one ledger: a doctored record for each rule, and one for each way in which a worker can be broken.

They are real as well: `scripts/chaos cluster --broken KIND` breaks one of the run's members, and fails unless it is
named.
"""
import unittest

from auditor import CLUSTER_RULES, RULES, judge_facts
from auditor.facts import Facts
from auditor.terms import Terms
from auditor.tests.records import Records, T, named_by_others

PEERS = {"10.213.0.2": "a", "10.214.0.2": "b", "10.215.0.2": "c"}
ADDRESS = {worker: address for address, worker in PEERS.items()}
#: S, D and G.
TERMS = {"send_window": 1_000, "timeout": 3_000, "grace": 1_000, "peers": PEERS}


class SharedRecords(Records):
    def __init__(self):
        super().__init__()
        self.over, self.terms = [], dict(TERMS, limits=[(0, 1_000)])
        # The machine kept nothing: a watch that woke in time.
        self.stalls = [{"at": T - 10_000 + 250 * n, "until": T - 9_750 + 250 * n, "lost": 0} for n in range(600)]

    def call_by(self, worker, job, at, lasts=20, **more):
        self.call(job, at, **more)
        call = self.calls[-1]
        call["peer"] = ADDRESS[worker]
        self.over.append({"sequence": call["sequence"], "at": call["at"] + lasts})
        return call

    def left(self, worker, job, at, account="ann", nature="ordinary"):
        """Published, called once, done."""
        self.message("job", job, at=at - 100, account=account, nature=nature)
        call = self.call_by(worker, job, at, account=account)
        self.result(f"{job}#0", at + 30, "left", "left")
        return call

    def judge(self):
        return judge_facts(Facts(
            self.published, self.results, self.dead_letters, self.calls, self.faults, self.ends, self.final,
            self.over, self.stalls, Terms.read(self.terms)))


def whole_run():
    """What three workers may do."""
    run = SharedRecords()
    run.left("a", "plain", 1_000)
    run.left("b", "after-it", 1_020)

    # Killed in the call; another asks when the lease is over.
    run.message("job", "killed", at=5_000, account="bob")
    run.call_by("a", "killed", 5_100, account="bob")
    run.fault("kill_daemon", 5_110, slot="a")
    run.ends.append({"at": T + 5_150, "event": "end", "slot": "a", "pid": 1, "status": -9, "asked": "SIGKILL"})
    run.call_by("b", "killed", 9_900, method="get", effect="none", account="bob")
    run.result("killed#0", 9_950, "already_left", "left")

    # Unheard: asked by the same worker, a member still, called again.
    run.message("job", "unheard", at=5_000, account="eve")
    run.call_by("c", "unheard", 5_100, answer="reset", effect="none", account="eve")
    run.call_by("c", "unheard", 9_900, method="get", effect="none", account="eve")
    run.call_by("c", "unheard", 9_950, account="eve")
    run.result("unheard#0", 9_980, "left", "left")

    # Stopped with a claim and before its call; another asks and calls.
    run.message("job", "stopped", at=19_900, account="joe")
    run.fault("stop_daemon", 20_000, 28_000, slot="a")
    run.call_by("b", "stopped", 25_100, method="get", effect="none", account="joe")
    run.call_by("b", "stopped", 25_150, account="joe")
    run.result("stopped#0", 25_200, "left", "left")

    # Everybody is refused; one of them probes, one job after the other, until it is over.
    run.fault("api_holds", 40_000, 52_000)
    for number, (worker, at) in enumerate((("a", 40_100), ("b", 40_120), ("c", 40_140))):
        run.message("job", f"refused-{number}", at=40_000, account=f"u{number}")
        run.call_by(worker, f"refused-{number}", at, answer="403", effect="none", account=f"u{number}")
    for number, at in enumerate((45_500, 45_550)):
        run.call_by("b", f"refused-{number}", at, answer="403", effect="none", account=f"u{number}")
    for number in range(3):
        run.call_by("b", f"refused-{number}", 53_000 + 50 * number, account=f"u{number}")
        run.result(f"refused-{number}#0", 53_030 + 50 * number, "left", "left")

    # The quiet end, in which one is killed.
    run.fault("kill_daemon", 60_000, slot="b")
    run.ends.append({"at": T + 60_050, "event": "end", "slot": "b", "pid": 2, "status": -9, "asked": "SIGKILL"})
    run.message("job", "quiet-called", at=59_900, account="q1", nature="quiet")
    run.call_by("b", "quiet-called", 59_990, account="q1")
    run.call_by("c", "quiet-called", 65_000, method="get", effect="none", account="q1")
    run.result("quiet-called#0", 65_050, "already_left", "left")
    run.left("a", "quiet-other", 60_050, account="q2", nature="quiet")
    return run


class Cluster(unittest.TestCase):
    def setUp(self):
        self.run_, self.named = whole_run(), set()

    def rejects(self, *rules):
        violations = self.run_.judge()["violations"]
        self.assertEqual(sorted(violations), sorted(rules), violations)
        self.named.update(violations)
        return violations

    def call_of(self, job, number=0):
        return [call for call in self.run_.calls if call["token"].startswith(f"album-{job}-")][number]

    def stall(self, at, lost):
        """From then on the machine kept so much from everybody, in one piece."""
        self.run_.stalls = [window for window in whole_run().stalls
                            if not T + at <= window["at"] < T + at + lost]
        end = min(window["at"] for window in self.run_.stalls if window["at"] >= T + at)
        self.run_.stalls.append({"at": T + at, "until": end, "lost": lost})

    def drop(self, call):
        self.run_.calls.remove(call)

    def test_a_whole_run_is_without_violation(self):
        verdict = self.run_.judge()
        self.assertEqual(verdict["violations"], {})
        self.assertEqual(verdict["explained"]["quiet job beside a fault that was taken over"], 1)
        self.assertEqual(verdict["explained"]["quiet job beside a fault that went on at once"], 1)
        self.assertEqual(verdict["explained"]["call while a hold stood"], 2)

    def test_without_terms_it_is_one_worker_and_these_rules_are_not_asked(self):
        self.call_of("after-it")["at"] -= 10
        self.rejects("overlaps")
        self.run_.terms = None
        self.rejects()

    # MARK: Seven broken workers

    def test_a_worker_without_a_gate_sends_what_it_claimed_before_it_was_stopped(self):
        self.run_.message("job", "stopped-too", at=19_900, account="jim")
        self.run_.call_by("c", "stopped-too", 25_100, method="get", effect="none", account="jim")
        self.run_.call_by("c", "stopped-too", 25_150, account="jim")
        self.run_.result("stopped-too#0", 25_200, "left", "left")
        for job, account in (("stopped", "joe"), ("stopped-too", "jim")):
            self.run_.call_by("a", job, 28_005, answer="400", effect="none", account=account)
        found = self.rejects("gate")["gate"]
        self.assertRegex(found[0], "2 calls were sent after the stop at .*20000")

    def test_one_call_that_slipped_through_in_many_stops_is_counted_and_no_fault(self):
        self.run_.call_by("a", "stopped", 28_005, answer="400", effect="none", account="joe")
        self.rejects()
        counted = "call of a worker that was stopped between its gate and the first byte"
        self.assertEqual(self.run_.judge()["explained"][counted], 1)

    def test_two_that_slipped_through_in_few_stops_are_too_many(self):
        self.run_.call_by("a", "stopped", 28_005, answer="400", effect="none", account="joe")
        self.run_.message("job", "again", at=29_900, account="jim")
        self.run_.fault("stop_daemon", 30_000, 38_000, slot="a")
        self.run_.call_by("b", "again", 35_100, method="get", effect="none", account="jim")
        self.run_.call_by("b", "again", 35_150, account="jim")
        self.run_.result("again#0", 35_200, "left", "left")
        self.run_.call_by("a", "again", 38_005, answer="400", effect="none", account="jim")
        self.rejects("gate")

    def test_a_stop_of_another_worker_excuses_nobody(self):
        self.run_.call_by("c", "stopped", 28_005, answer="400", effect="none", account="joe")
        self.rejects("asked", "lease")

    def test_a_worker_without_leases_takes_over_what_another_is_calling_for(self):
        self.call_of("killed", 1)["at"] = T + 5_400
        found = self.rejects("lease")["lease"]
        self.assertRegex(found[0], "get .* by worker b 300 ms after a call of worker a whose lease had still to run$")

    def test_a_worker_that_goes_by_its_hosts_clock_takes_over_too_soon(self):
        self.run_.fault("clock_jump", 4_000, 30_000, slot="b", offset=300)
        self.rejects()
        self.call_of("killed", 1)["at"] = T + 5_400
        self.assertRegex(self.rejects("lease")["lease"][0], "by a host's clock that was off by 300 s")

    def test_a_worker_that_asks_no_question(self):
        self.drop(self.call_of("unheard", 1))
        self.assertRegex(self.rejects("asked", "calls")["asked"][0], "by worker c after reset, and the album was not asked")

    def test_a_worker_that_takes_over_without_a_question(self):
        self.call_of("killed", 1).update(method="leave", answer="400")
        self.rejects("asked")

    def test_a_worker_without_slots_calls_twice_at_a_time_for_one_account(self):
        self.call_of("after-it")["at"] = T + 1_010
        self.assertRegex(self.rejects("overlaps")["overlaps"][0], "account ann: .* by worker b .* by worker a ran until")
        self.run_.terms["per_account"] = 2
        self.rejects()

    def test_workers_without_grants_spend_more_than_the_day_has(self):
        self.run_.terms["limits"] = [(0, len(self.run_.calls) - 1)]
        self.assertRegex(self.rejects("day")["day"][0], "is number 20 of .* whose limit is 19")

    def test_two_workers_that_probe_one_hold(self):
        self.call_of("refused-1", 1)["peer"] = ADDRESS["c"]
        self.assertRegex(self.rejects("probes")["probes"][0], "worker b and worker c probed 50 ms apart")

    # MARK: Questions

    def ask_again(self):
        """The album of `unheard` said that a call is due, and is asked again by another worker before that is made."""
        last = self.call_of("unheard", 2)
        question = self.run_.call_by("b", "unheard", 33_000, method="get", effect="none", account="eve")
        last["at"], last["sequence"], question["sequence"] = T + 33_050, question["sequence"], last["sequence"]
        next(result for result in self.run_.results if result["id"] == "unheard#0")["at"] = T + 33_080

    def explained(self, *words):
        self.rejects()
        return [kind for kind in self.run_.judge()["explained"] if all(word in kind for word in words)]

    def test_an_album_that_said_what_is_due_is_not_asked_again(self):
        self.ask_again()
        found = self.rejects("questions")["questions"]
        self.assertRegex(found[0], r"job unheard .* by b 23100 ms after get 200 \(none\) by c")

    def test_it_is_asked_again_if_its_job_was_taken_from_who_asked(self):
        self.ask_again()
        for kind, more in (("kill_daemon", {}), ("drop_broker", {"until": 12_000}), ("day_spent", {"until": 32_000})):
            self.run_.fault(kind, 10_000, slot="a", **more)
            if kind != "day_spent":
                self.rejects("questions")
                self.run_.faults[-1]["slot"] = "c"
            else:
                del self.run_.faults[-1]["slot"]
            self.assertTrue(self.explained("given back before its call", kind), kind)
            self.run_.faults.pop()

    def test_it_is_asked_again_if_the_rest_of_the_day_may_be_others(self):
        self.ask_again()
        self.run_.terms["limits"] = [(0, len(self.run_.calls) + 10)]
        self.assertTrue(self.explained("given back before its call", "allotted to others"))

    def test_it_is_asked_again_if_another_worker_was_calling_for_its_account(self):
        self.ask_again()
        self.run_.left("a", "beside", 9_950, account="eve")
        self.assertTrue(self.explained("given back before its call", "calling for its account"))
        for change in ({"at": T + 20_000}, {"account": "somebody"}, {"peer": self.call_of("unheard", 1)["peer"]}):
            call = next(call for call in self.run_.calls if call["token"] == "album-beside-eve")
            before = dict(call)
            call.update(change)
            self.assertIn("questions", self.run_.judge()["violations"], change)
            call.update(before)
        self.run_.terms["peers"] = {}
        self.assertNotIn("questions", self.run_.judge()["violations"])

    def test_it_is_asked_again_if_its_worker_held_for_calls_that_failed(self):
        self.ask_again()
        for number in range(5):
            job = f"failing-{number}"
            self.run_.message("job", job, at=12_000, account=f"f{number}")
            self.run_.call_by("c", job, 12_100 + number, answer="503", effect="none", account=f"f{number}")
        for number in range(5):
            job = f"failing-{number}"
            self.run_.call_by("c", job, 30_000 + 50 * number, account=f"f{number}")
            self.run_.result(f"{job}#0", 30_030 + 50 * number, "left", "left")
        self.assertTrue(self.explained("given back before its call", "failed in a row"))
        next(call for call in self.run_.calls if call["token"] == "album-failing-2-f2")["answer"] = "400"
        self.rejects("questions")

    def test_it_is_asked_again_if_the_machine_stood_still_for_a_send_window(self):
        self.ask_again()
        self.stall(12_000, 900)
        self.rejects("questions")
        self.stall(12_000, 1_100)
        self.assertTrue(self.explained("given back before its call", "stood still"))

    def test_nobody_asks_before_any_call_but_for_a_claim_that_a_strike_took(self):
        job = self.run_.left("c", "asked-first", 17_050, account="fay")
        question = self.run_.call_by("c", "asked-first", 17_000, method="get", effect="none", account="fay")
        job["sequence"], question["sequence"] = question["sequence"], job["sequence"]
        self.assertRegex(self.rejects("questions")["questions"][0], "asked-first .* before any call of it")
        self.run_.fault("database_kill", 16_960, 16_990)
        self.assertTrue(self.explained("claim that came to nothing: database_kill"))

    def test_an_answer_is_lost_with_its_own_worker_alone(self):
        self.run_.faults[0]["slot"] = "c"
        self.assertRegex(self.rejects("questions")["questions"][0], "job killed .* after leave 200 .left. by a")

    def test_nobody_asks_after_a_refusal_that_no_album_explains(self):
        self.run_.message("job", "refused", at=15_000, account="guy")
        for at, more in ((15_100, {"answer": "403", "effect": "none"}), (15_200, {"method": "get", "effect": "none"}),
                         (15_300, {})):
            self.run_.call_by("b", "refused", at, account="guy", **more)
        self.run_.result("refused#0", 15_350, "left", "left")
        self.assertRegex(self.rejects("questions")["questions"][0], "job refused .* after leave 403")

    def test_a_job_whose_claim_came_to_nothing_is_asked_for_before_each_attempt(self):
        self.run_.message("job", "doubted", at=15_000, account="guy")
        self.run_.fault("database_kill", 15_010, 15_020)
        for at, more in ((15_100, {"method": "get", "effect": "none"}), (15_200, {"answer": "403", "effect": "none"}),
                         (15_300, {"method": "get", "effect": "none"}), (15_400, {})):
            self.run_.call_by("b", "doubted", at, account="guy", **more)
        self.run_.result("doubted#0", 15_450, "left", "left")
        self.assertTrue(self.explained("after an earlier claim that is in doubt"))

    def test_two_workers_that_have_deliveries_of_one_job_may_both_ask(self):
        self.run_.message("job", "twice", at=32_000, account="guy")
        for worker, at, more in (("b", 32_100, {"answer": "reset", "effect": "none"}),
                                 ("b", 38_100, {"method": "get", "effect": "none"}),
                                 ("c", 38_250, {"method": "get", "effect": "none"}), ("b", 38_400, {})):
            self.run_.call_by(worker, "twice", at, account="guy", **more)
        self.run_.result("twice#0", 38_450, "left", "left")
        self.assertRegex(self.rejects("questions")["questions"][0], "job twice .* by c 150 ms after get 200 .none. by b")
        self.run_.message("copy", "twice", at=32_001, account="guy")
        self.run_.result("twice#0", 38_460, "left", "left")
        self.assertTrue(self.explained("another delivery"))

    def test_a_worker_that_was_stopped_as_a_hold_began_hears_of_it_when_it_goes_on(self):
        self.run_.fault("stop_daemon", 40_110, 47_000, slot="c")
        for number, at in enumerate((47_050, 47_055)):
            self.run_.message("job", f"unaware-{number}", at=40_000, account=f"v{number}")
            self.run_.call_by("c", f"unaware-{number}", at, answer="403", effect="none", account=f"v{number}")
            self.run_.call_by("c", f"unaware-{number}", 54_000, account=f"v{number}")
            self.run_.result(f"unaware-{number}#0", 54_050, "left", "left")
        self.assertTrue(self.explained("stopped as a hold began"))
        self.run_.faults[-1]["until"] = T + 45_000
        self.assertRegex(self.rejects("probes")["probes"][0], "worker b and worker c probed 1500 ms apart")

    # MARK: What cannot be judged

    def test_where_workers_have_one_address_it_says_what_it_cannot_see(self):
        self.assertEqual(self.run_.judge()["unjudged"], [])
        self.run_.terms["peers"] = {}
        for call in self.run_.calls:
            call["peer"] = "127.0.0.1"
        self.call_of("refused-1", 1)["at"] = T + 45_505
        found = self.rejects("probes")["probes"]
        self.assertRegex(found[0], "probed with two jobs at a time")
        self.assertEqual([line.partition(":")[0] for line in self.run_.judge()["unjudged"]],
                         ["whose a call was", "probes", "asked, lease, overlaps"])

    def test_it_says_how_many_cases_it_judged_and_fails_where_most_it_could_not(self):
        found = self.run_.judge()["judged"]
        self.assertEqual(found["probes"], {"judged": 1, "not": {}})
        self.assertEqual(found["asked"], {"judged": 7, "not": {}})
        self.drop(self.call_of("refused-1", 1))
        self.assertRegex(self.rejects("judged")["judged"][0], "there were no two probes of it")

    def test_of_few_that_it_could_not_judge_it_says_so(self):
        self.run_.call_by("a", "stopped", 28_005, answer="400", effect="none", account="joe")
        self.rejects()
        self.assertEqual(self.run_.judge()["judged"]["asked"]["not"], {"it came just after a stop": 1})

    # MARK: The rest of each rule

    def test_a_call_for_a_user_who_had_left_by_the_albums_word(self):
        self.run_.call_by("b", "killed", 9_940, answer="400", effect="none", account="bob")
        self.rejects("asked", "calls")

    def test_the_albums_word_that_its_worker_took_with_it_is_nobodys(self):
        """Refused, recorded; the album asked, whose word died with the worker: refused again, asked again."""
        self.run_.message("job", "guest", at=33_000, account="jim", nature="not_member")
        for worker, at in (("c", 33_100), ("b", 36_000)):
            self.run_.call_by(worker, "guest", at, answer="400", effect="none", account="jim")
            self.run_.call_by(worker, "guest", at + 100, method="get", effect="none", account="jim")
        self.run_.result("guest#0", 36_130, "already_left", "left")
        self.run_.fault("kill_daemon", 33_210, slot="a")
        self.rejects("asked")
        self.run_.faults[-1]["slot"] = "c"
        self.rejects()

    def test_a_call_that_was_not_over_before_the_end_is_in_the_way_of_the_next(self):
        self.run_.over = [over for over in self.run_.over
                          if over["sequence"] != self.call_of("plain")["sequence"]]
        self.rejects("overlaps")

    def test_a_question_takes_no_slot(self):
        self.call_of("killed", 1)["account"] = "bob"
        self.run_.left("c", "beside-it", 9_905, account="bob")
        self.rejects()

    def test_one_worker_that_probes_with_two_jobs_at_a_time(self):
        self.call_of("refused-1", 1)["at"] = T + 45_510
        self.rejects("probes")

    def test_while_nobody_was_refused_there_is_no_hold_to_probe(self):
        """The day was spent before, or there were no jobs, and then two albums are asked."""
        self.call_of("refused-1", 1)["peer"] = ADDRESS["c"]
        for number in (0, 1):
            self.call_of(f"refused-{number}").update(answer="503")
        self.assertRegex(self.rejects("judged")["judged"][0], "probes: 0 judged, 1 not: 1 because")

    def test_the_next_round_may_be_anothers(self):
        self.call_of("refused-1", 1).update(at=T + 49_000, peer=ADDRESS["c"])
        self.rejects()

    def test_a_limit_that_was_raised_counts_from_then_on(self):
        by_time = sorted(call["at"] for call in self.run_.calls)
        self.run_.terms["limits"] = [(0, 10), (by_time[10], 100)]
        self.rejects()
        self.run_.terms["limits"] = [(0, 10), (by_time[10] + 1, 100)]
        self.rejects("day")

    def test_what_a_dead_worker_called_for_ends_when_its_lease_has(self):
        self.call_of("quiet-called", 1)["at"] = T + 70_500
        self.run_.results[-2]["at"] = T + 70_550
        self.assertRegex(self.rejects("in_time")["in_time"][0], "done in 10550 ms after the last fault, and taken over")

    def test_what_a_dead_worker_only_had_in_hand_ends_at_once(self):
        self.call_of("quiet-other")["at"] = T + 62_500
        self.run_.results[-1]["at"] = T + 62_530
        self.rejects("in_time")

    def late_by(self, ms):
        self.call_of("quiet-other")["at"] = T + 62_000 + ms
        self.run_.results[-1]["at"] = T + 62_000 + ms

    def test_what_the_machine_kept_from_all_is_taken_off_and_no_more(self):
        self.late_by(500)
        self.rejects("in_time")
        self.stall(61_000, 400)
        self.assertRegex(self.rejects("in_time")["in_time"][0], "done in 2500 ms .* the machine kept 400 from all")
        self.stall(61_000, 600)
        self.assertTrue(self.explained("late by no more than the machine stood still"))

    def test_other_jobs_that_are_as_slow_excuse_nobody(self):
        self.late_by(500)
        for number in range(200):
            self.run_.left("a", f"quiet-slow-{number}", 70_000 + 100 * number, account=f"s{number}", nature="quiet")
            self.run_.results[-1]["at"] += 2_500
        self.assertEqual(len(self.rejects("in_time")["in_time"]), 201)

    def test_where_the_machine_kept_much_what_is_late_is_not_judged_and_that_is_said(self):
        self.late_by(2_000)
        self.stall(60_500, 1_500)
        self.rejects()
        found = self.run_.judge()["judged"]["in_time"]
        self.assertEqual((found["judged"], list(found["not"].values())), (1, [1]))
        self.assertRegex(*found["not"], "the machine was busy")
        self.call_of("quiet-called", 1)["at"] = T + 75_950
        next(result for result in self.run_.results if result["id"] == "quiet-called#0")["at"] = T + 76_000
        self.late_by(9_000)
        self.stall(60_500, 4_000)
        self.assertRegex(self.rejects("machine")["machine"][0], "in_time: 0 judged, 2 not")

    def test_what_is_late_while_nobody_watched_the_machine_is_not_judged_and_that_is_a_fault(self):
        self.late_by(500)
        self.call_of("quiet-called", 1)["at"] = T + 70_500
        next(result for result in self.run_.results if result["id"] == "quiet-called#0")["at"] = T + 70_550
        self.run_.stalls = []
        self.assertRegex(self.rejects("judged")["judged"][0], "in_time: 0 judged, 2 not: 2 because nobody watched")

    def test_a_job_that_nothing_befell_is_done_at_once(self):
        self.run_.left("a", "quiet-slow", 70_000, account="q3", nature="quiet")
        self.run_.results[-1]["at"] += 2_100
        self.assertRegex(self.rejects("in_time")["in_time"][0], "quiet-slow: done in .* with nothing in its way")

    def test_what_the_api_takes_for_a_call_is_not_its_workers(self):
        message = self.run_.left("a", "quiet-slow", 70_000, account="q3", nature="quiet") and self.run_.published[-2]
        message["fault"] = {"count": 1, "actions": [{"fault": "delay", "milliseconds": 1_200}]}
        self.run_.results[-1]["at"] += 2_100
        self.rejects()

    # MARK: Waits

    def wait(self, until, answer="503", effect="none"):
        """A job whose first call is answered so at 70 s is called again at that time."""
        self.run_.message("job", "waiting", at=69_900, account="w")
        self.run_.call_by("a", "waiting", 70_000, answer=answer, effect=effect, account="w")
        self.run_.call_by("b", "waiting", until, account="w")
        self.run_.result("waiting#0", until + 30, "left", "left")

    def test_a_job_that_nobody_calls_again_while_nobody_does_anything_else_waits_for_nothing(self):
        self.wait(88_000)
        self.rejects()
        self.call_of("waiting", 1)["at"] += 2_000
        self.run_.results[-1]["at"] += 2_000
        self.assertRegex(self.rejects("waits")["waits"][0],
                         r"waiting .*: 19980 ms from leave \d+ \(503\) to leave \d+, of which nobody called and nothing "
                         r"struck in 18980, .* 18000 ms are enough")

    def test_a_first_call_and_a_result_are_waited_for_as_well(self):
        for late in ("call", "result"):
            self.run_ = whole_run()
            self.run_.message("job", "slow", at=70_000, account="w")
            self.run_.call_by("a", "slow", 91_000 if late == "call" else 70_100, account="w")
            self.run_.result("slow#0", 91_100, "left", "left")
            words = "from its publication to leave" if late == "call" else r"from leave \d+ \(200\) to its result"
            self.assertRegex(self.rejects("waits")["waits"][0], words)

    def test_what_others_were_called_for_meanwhile_it_has_waited_for(self):
        self.wait(95_000)
        self.rejects("waits")
        for second in range(71, 80):
            self.run_.left("c", f"other-{second}", second * 1_000, account=f"o{second}")
        self.rejects()

    def test_what_struck_meanwhile_it_has_waited_out_with_what_follows(self):
        self.wait(100_000)
        self.rejects("waits")
        self.run_.fault("database_restart", 75_000, 77_000)
        self.rejects()

    def test_who_failed_while_somebody_may_have_held_waits_longer_and_not_for_ever(self):
        self.wait(160_000)
        self.rejects("waits")
        # Five in a row of one worker: it holds, and all with it.
        for number in range(5):
            self.run_.message("job", f"failing-{number}", at=69_000, account=f"f{number}")
            self.run_.call_by("c", f"failing-{number}", 69_100 + number, answer="503", effect="none", account=f"f{number}")
        for number in range(5):
            self.run_.call_by("c", f"failing-{number}", 73_000 + 50 * number, account=f"f{number}")
            self.run_.result(f"failing-{number}#0", 73_030 + 50 * number, "left", "left")
        self.assertTrue(self.explained("while somebody may have held"))
        self.call_of("waiting", 1)["at"] += 40_000
        next(result for result in self.run_.results if result["id"] == "waiting#0")["at"] += 40_000
        self.rejects("waits")

    def test_what_the_machine_kept_is_no_wait_of_a_job(self):
        self.wait(90_000)
        self.rejects("waits")
        self.stall(75_000, 1_500)
        self.rejects()
        self.call_of("waiting", 1)["at"] += 10_000
        self.run_.results[-1]["at"] += 10_000
        self.stall(75_000, 7_000)
        self.rejects()
        self.assertEqual(list(self.run_.judge()["judged"]["waits"]["not"].values()), [1])

    def test_every_rule_was_broken_here(self):
        """By a record that it rejects, not by its name alone."""
        self.assertEqual(CLUSTER_RULES.keys() - named_by_others(self), set(), "rules without a doctored record")
        self.assertEqual(RULES.keys() & CLUSTER_RULES.keys(), set())
