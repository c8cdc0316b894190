"""For each rule of the auditor a doctored record that it must reject, and nothing else with it where that can be."""
import json
import unittest

from auditor import RULES, judge_facts
from auditor.facts import Facts
from auditor.tests.records import T, named_by_others, whole_run


def judge(run):
    return judge_facts(Facts(run.published, run.results, run.dead_letters, run.calls, run.faults, run.ends, run.final))


class Auditor(unittest.TestCase):
    def setUp(self):
        self.run_, self.named = whole_run(), set()

    def rejects(self, *rules):
        violations = judge(self.run_)["violations"]
        self.assertEqual(sorted(violations), sorted(rules), violations)
        self.named.update(violations)

    def of(self, name):
        return next(result for result in self.run_.results if result["id"] == name)

    def change(self, name, **members):
        result = self.of(name)
        body = {key: value for key, value in dict(json.loads(result["body"]), **members).items() if value is not None}
        result["body"] = json.dumps(body)

    def call_of(self, job, number=0):
        return [call for call in self.run_.calls if call["token"].startswith(f"album-{job}-")][number]

    # MARK: What is in order

    def test_a_whole_run_is_without_violation_and_explains_what_was_extra(self):
        verdict = judge(self.run_)
        self.assertEqual(verdict["violations"], {})
        self.assertEqual(verdict["explained"]["call after the answer reset"], 1)
        self.assertEqual(verdict["explained"]["call after death+kill_daemon"], 1)
        self.assertEqual(verdict["explained"]["job_lost after a purge"], 1)
        self.assertEqual(verdict["counts"]["jobs"], 12)
        self.assertEqual(verdict["counts"]["badJobs"], {"row 18": 1, "row 24": 1, "row 31": 1})

    def test_a_replay_of_the_same_bytes_is_in_order(self):
        self.run_.results.append(dict(self.of("plain#0"), replayed=True, at=T + 90_000))
        self.rejects()

    # MARK: accounted

    def test_a_job_without_a_result(self):
        self.run_.results.remove(self.of("plain#0"))
        self.rejects("accounted")

    def test_a_job_without_a_result_that_was_never_called(self):
        self.run_.results.remove(self.of("plain#0"))
        self.run_.calls.remove(self.call_of("plain"))
        # The message that was purged is the one that was reported lost.
        self.rejects("accounted")

    def test_a_job_that_was_purged_before_its_first_call(self):
        self.run_.results.remove(self.of("plain#0"))
        self.run_.fault("purge_delays", 300, messages=1)
        self.rejects("accounted")
        self.run_.calls.remove(self.call_of("plain"))
        self.rejects()

    def test_a_job_in_a_queue_whose_purge_was_cut_off(self):
        self.run_.results.remove(self.of("plain#0"))
        self.run_.calls.remove(self.call_of("plain"))
        self.run_.fault("purge_delays", 300, messages=0, perhaps=0)
        self.rejects("accounted")
        self.run_.faults[-1]["perhaps"] = 1
        self.rejects()

    def test_a_job_that_came_after_the_purge(self):
        self.run_.message("job", "later", at=1_000)
        self.run_.faults[-1]["messages"] = 5
        self.rejects("accounted")

    def test_a_bad_message_without_a_result(self):
        name = next(r["id"] for r in self.run_.results if r["id"].endswith(":malformed_job"))
        self.run_.results.remove(self.of(name))
        self.rejects("accounted", "dead_letters")

    def test_a_rejection_that_went_with_the_results_is_explained(self):
        for name in [r["id"] for r in self.run_.results if r["id"].startswith("rejected:")]:
            self.run_.results.remove(self.of(name))
        self.assertIn("accounted", judge(self.run_)["violations"])
        self.run_.fault("delete_results", 100, 2_000)
        self.rejects()
        self.run_.faults[-1].update(at=T + 50_000, until=T + 51_000)
        self.assertIn("accounted", judge(self.run_)["violations"])

    def test_a_message_that_was_never_confirmed(self):
        self.run_.published = [record for record in self.run_.published if record != {"number": 0, "confirmed": T + 1}]
        self.rejects("accounted")

    # MARK: conflicts

    def test_two_jobs_of_one_id_neither_rejected(self):
        self.run_.results = [r for r in self.run_.results if not r["id"].endswith("job_id_conflict")]
        self.run_.dead_letters = [one for one in self.run_.dead_letters if one["key"] != "job_id_conflict"]
        self.rejects("conflicts")

    def test_both_jobs_of_one_id_rejected(self):
        first = next(m for m in self.run_.published if m.get("job") == "twice" and m["role"] == "job")
        self.run_.result(f"rejected:{first['sha256'][:32]}:job_id_conflict", 200, "rejected", "not_left",
                         "job_id_conflict", "fix_request")
        self.run_.dead_letter(first, "job_id_conflict", 201)
        self.assertIn("conflicts", judge(self.run_)["violations"])

    # MARK: strangers

    def test_a_result_of_a_job_that_nobody_published(self):
        self.run_.result("nobody-knows#0", 100, "left", "left")
        self.rejects("strangers")

    def test_a_rejection_of_a_message_that_is_good(self):
        self.run_.result("rejected:00000000000000000000000000000000:malformed_job", 100, "rejected", "not_left",
                         "malformed_job", "fix_request")
        self.rejects("dead_letters", "strangers")

    # MARK: dead letters

    def test_a_failed_job_without_a_dead_letter(self):
        self.run_.dead_letters.pop(0)
        self.rejects("dead_letters")

    def test_a_dead_letter_that_went_with_its_queue_is_explained(self):
        self.run_.dead_letters.pop(0)
        self.run_.fault("delete_dead", 100, 500)
        self.rejects()

    def test_a_dead_letter_of_a_job_that_succeeded(self):
        self.run_.dead_letter(self.run_.published[0], "album_owner", 500)
        self.rejects("dead_letters")

    def test_a_dead_letter_with_another_body(self):
        self.run_.dead_letters[0]["sha256"] = "0" * 64
        self.rejects("dead_letters")

    def test_a_dead_letter_of_nobody(self):
        self.run_.dead_letters[0]["number"] = None
        self.assertIn("dead_letters", judge(self.run_)["violations"])

    def test_a_dead_letter_with_the_brokers_headers(self):
        self.run_.dead_letters[0]["foreign"] = ["x-death"]
        self.rejects("dead_letters")

    # MARK: one body, one result

    def test_one_message_id_with_two_bodies(self):
        changed = dict(self.of("plain#0"))
        changed["body"] = changed["body"].replace("left", "left ")
        self.run_.results.append(changed)
        self.rejects("one_body")

    def test_a_message_id_of_another_job(self):
        self.change("plain#0", jobId="another")
        self.rejects("one_result")

    def test_a_generation_that_nobody_asked_for(self):
        self.run_.result("plain#1", 120, "left", "left")
        self.rejects("one_result")

    def test_a_generation_that_an_operator_asked_for(self):
        self.run_.dead_letters = [one for one in self.run_.dead_letters if one["key"] != "cancelled"]
        self.run_.fault("redrive", 1_000, 2_000)
        self.run_.call("cancelled", at=2_100)
        self.run_.result("cancelled#1", 2_200, "left", "left")
        self.rejects()

    def test_a_dead_letter_that_was_redriven_into_nothing(self):
        self.run_.dead_letters = [one for one in self.run_.dead_letters if one["key"] != "cancelled"]
        self.run_.fault("redrive", 1_000, 2_000)
        self.rejects("dead_letters")

    def test_a_job_that_succeeded_is_not_redriven(self):
        self.run_.fault("redrive", 1_000, 2_000)
        self.run_.result("plain#1", 2_200, "left", "left")
        self.rejects("one_result")

    def test_a_result_that_is_not_persistent(self):
        self.of("plain#0")["persistent"] = False
        self.rejects("one_result")

    def test_a_routing_key_of_another_outcome(self):
        self.of("plain#0")["key"] = "leave.failed"
        self.rejects("one_result")

    # MARK: coherent

    def test_an_outcome_that_contradicts_its_effect(self):
        self.change("plain#0", effect="unknown")
        self.rejects("ambiguity", "coherent")

    def test_a_failure_without_a_reason(self):
        self.change("cancelled#0", reason=None)
        self.assertIn("coherent", judge(self.run_)["violations"])

    def test_a_reason_with_anothers_next(self):
        self.change("cancelled#0", next="operator")
        self.rejects("coherent")

    def test_a_body_that_is_no_json(self):
        self.of("plain#0")["body"] = "{"
        self.assertIn("coherent", judge(self.run_)["violations"])

    # MARK: reasons

    def test_a_failure_for_nothing(self):
        message = self.run_.published[0]
        self.run_.calls.remove(self.call_of("plain"))
        for reason, step in (("poison", "operator"), ("expired", "operator"), ("deadline_exceeded", "none"),
                             ("cancelled", "none"), ("credential_not_found", "reauthorize_user"),
                             ("share_token_invalid", "fix_request"), ("attempts_exhausted", "operator"),
                             ("grant_revoked", "reauthorize_user"), ("album_owner", "none")):
            with self.subTest(reason):
                number = str(message["number"])
                self.run_.dead_letters = [one for one in self.run_.dead_letters if one["number"] != number]
                effect = "unknown" if reason == "share_token_invalid" else "not_left"
                self.change("plain#0", outcome="failed", effect=effect, reason=reason, next=step)
                self.of("plain#0")["key"] = "leave.failed"
                self.run_.dead_letter(message, reason, 111)
                self.rejects("reasons")

    def test_a_lost_job_without_a_purge(self):
        self.run_.faults = [fault for fault in self.run_.faults if fault["kind"] != "purge_delays"]
        self.rejects("reasons")

    def test_more_lost_jobs_than_were_purged(self):
        for fault in self.run_.faults:
            if fault["kind"] == "purge_delays":
                fault["messages"] = 0
        self.rejects("reasons")

    # MARK: effects

    def test_left_without_an_effect(self):
        self.call_of("plain")["effect"] = "none"
        self.rejects("effects")

    def test_not_left_and_yet_gone(self):
        self.call_of("owner")["effect"] = "left"
        self.assertIn("effects", judge(self.run_)["violations"])

    def test_unknown_without_a_cause(self):
        self.change("cancelled#0", effect="unknown")
        self.rejects("ambiguity")

    # MARK: calls

    def test_a_second_call_after_a_good_answer(self):
        self.run_.call("plain", at=105, answer="400", effect="none")
        self.rejects("calls")

    def test_a_call_after_a_fault_that_touches_no_call_is_not_explained(self):
        for kind in ("broker_kill", "close_connections", "memory_alarm", "ledger_full", "clock_jump"):
            with self.subTest(kind):
                self.setUp()
                self.run_.fault(kind, 101, 104)
                self.run_.call("plain", at=105, answer="400", effect="none")
                self.rejects("calls")

    def test_a_second_call_without_the_kill_before_it(self):
        self.run_.faults = [fault for fault in self.run_.faults if fault["kind"] != "kill_daemon"]
        self.run_.ends = []
        self.rejects("calls")

    def test_a_kill_long_after_the_answer_was_recorded_explains_no_call(self):
        self.call_of("plain")["at"] = T + 10_000
        self.run_.fault("kill_daemon", 20_000)
        self.of("plain#0")["at"] = T + 30_000
        self.run_.call("plain", at=21_000, answer="400", effect="none")
        self.rejects("calls")

    def test_a_kill_while_the_ledger_could_not_write_explains_one(self):
        self.call_of("plain")["at"] = T + 10_000
        self.run_.fault("ledger_full", 9_990, 19_000)
        self.run_.fault("kill_daemon", 18_000)
        self.of("plain#0")["at"] = T + 30_000
        self.run_.call("plain", at=19_000, method="get", effect="none")
        self.rejects()

    def test_a_question_before_the_first_call(self):
        self.call_of("plain")["at"] += 5
        self.run_.calls.insert(0, dict(self.call_of("plain"), at=T + 50, method="get", effect="none", sequence=0))
        self.rejects("calls")

    def test_a_call_after_the_album_said_that_the_user_is_gone(self):
        self.run_.call("unheard", at=1250, answer="400", effect="none")
        self.rejects("calls")

    def test_a_call_after_one_that_went_unheard_without_a_question(self):
        for answer, effect in (("reset", "left"), ("junk", "none"), ("200", "none"), ("206", "none"), ("408", "none"),
                               ("499", "none"), ("502", "none"), ("504", "none")):
            with self.subTest(answer):
                self.setUp()
                self.call_of("tried").update(answer=answer, effect=effect)
                self.rejects("calls")

    # MARK: identity

    def test_a_call_for_an_album_of_no_job(self):
        self.run_.call("x", at=100, token="album-of-nobody")
        self.rejects("identity")

    def test_a_call_with_another_users_token(self):
        self.call_of("plain")["account"] = "bob"
        self.rejects("identity")

    # MARK: forbidden calls

    def test_a_call_of_a_cancelled_job(self):
        self.run_.call("cancelled", at=15, answer="400", effect="none")
        self.rejects("forbidden_calls")

    def test_a_call_after_the_deadline(self):
        self.run_.call("late", at=15, answer="400", effect="none")
        self.rejects("forbidden_calls")

    def test_a_call_of_the_variant_that_was_rejected(self):
        self.run_.call("twice", at=105, account="bob")
        self.rejects("forbidden_calls")

    # MARK: after the result

    def test_a_call_after_the_result(self):
        self.call_of("killed", 1)["at"] = T + 6_200
        self.rejects("after_result")

    # MARK: bad jobs

    def ends_with(self, name, reason, effect, step="operator"):
        """The result and its dead letter say another reason."""
        before = json.loads(self.of(name)["body"])["reason"]
        self.change(name, reason=reason, effect=effect, next=step)
        message = next(m for m in self.run_.published if m.get("job") == name.partition("#")[0])
        for dead_letter in self.run_.dead_letters:
            if dead_letter["number"] == str(message["number"]) and dead_letter["key"] == before:
                dead_letter["key"] = dead_letter["own"]["reason"] = reason

    def test_a_bad_job_that_is_said_to_have_been_left(self):
        self.run_.dead_letters = [one for one in self.run_.dead_letters if one["key"] != "permission_denied"]
        self.change("refused#0", outcome="already_left", effect="left", reason=None, next=None)
        self.of("refused#0")["key"] = "leave.already_left"
        self.rejects("bad_jobs", "effects")

    def test_a_bad_job_with_the_reason_of_another_row(self):
        for reason, effect, step in (("unexpected_status", "not_left", "operator"),
                                     ("auth_rejected", "not_left", "none"),
                                     ("share_token_invalid", "unknown", "fix_request"),
                                     ("attempts_exhausted", "not_left", "operator")):
            with self.subTest(reason):
                self.setUp()
                self.ends_with("refused#0", reason, effect, step)
                self.rejects("bad_jobs")

    def test_a_bad_job_that_was_given_up_at_its_age(self):
        self.ends_with("refused#0", "attempts_exhausted", "not_left")
        self.of("refused#0")["at"] = T + 80_000
        self.rejects()

    def test_a_bad_job_without_a_deadline_cannot_be_late(self):
        self.ends_with("refused#0", "deadline_exceeded", "not_left", "none")
        self.rejects("bad_jobs", "reasons")

    def test_a_bad_job_whose_attempts_were_spent_without_a_call(self):
        self.run_.calls = [call for call in self.run_.calls if not call["token"].startswith("album-tried-")]
        self.rejects("bad_jobs")

    def test_a_bad_job_of_which_nobody_knows_and_that_says_not_left(self):
        self.change("tried#0", effect="not_left")
        self.rejects("bad_jobs")

    def test_a_bad_job_that_was_refused_and_says_unknown(self):
        self.change("refused#0", effect="unknown")
        self.rejects("bad_jobs")

    def test_a_bad_job_that_says_unknown_after_a_kill(self):
        self.change("refused#0", effect="unknown")
        self.run_.fault("kill_daemon", 101)
        self.rejects()

    def test_a_bad_job_without_a_result(self):
        self.run_.results.remove(self.of("refused#0"))
        self.assertIn("accounted", judge(self.run_)["violations"])

    # MARK: good jobs

    def test_a_good_job_that_was_taken_for_one_of_the_bad(self):
        self.call_of("good").update(answer="403", effect="none")
        self.change("good#0", outcome="failed", effect="not_left", reason="permission_denied", next="none")
        self.of("good#0")["key"] = "leave.failed"
        message = next(m for m in self.run_.published if m.get("job") == "good")
        self.run_.dead_letter(message, "permission_denied", 60_011)
        self.rejects("good_jobs")

    def test_a_good_job_that_nobody_saw_leave(self):
        self.change("good#0", outcome="already_left")
        self.of("good#0")["key"] = "leave.already_left"
        self.rejects("good_jobs")

    def test_a_good_job_that_waited_longer_than_two_rounds(self):
        self.call_of("good")["at"] = T + 200_000
        self.of("good#0")["at"] = T + 200_010
        self.rejects("good_jobs")
        self.run_.ends.append({"at": T + 150_000, "event": "end", "slot": "a", "pid": 1, "status": -9,
                               "asked": "SIGKILL"})
        self.rejects()

    def test_good_jobs_of_which_one_after_the_other_is_done(self):
        for number in range(10):
            self.run_.message("job", f"good-{number}", at=10_000, nature="good")
            self.run_.call(f"good-{number}", at=100_000 * (number + 1))
            self.run_.result(f"good-{number}#0", 100_000 * (number + 1) + 10, "left", "left")
        self.rejects()
        self.assertEqual(judge(self.run_)["goodWaits"], {"count": 11, "median": 490_010, "most": 990_010})
        self.of("good-9#0")["at"] += 80_000
        self.rejects("good_jobs")

    # MARK: the run

    def test_a_hold_that_stands_at_the_end(self):
        self.run_.final["holds"] = ["endpoint_misconfigured"]
        self.rejects("stuck")

    def test_a_message_left_in_a_retry_queue(self):
        self.run_.final["depths"]["retry.1s"] = 1
        self.rejects("stuck")

    def test_a_run_that_was_never_still(self):
        self.run_.final["settled"] = None
        self.rejects("stuck")

    def test_a_run_without_an_end(self):
        self.run_.final = None
        self.rejects("stuck")

    def test_a_ledger_that_is_damaged(self):
        self.run_.final["ledgerVerify"] = [1, "a row is wrong"]
        self.rejects("stuck")

    def test_a_stop_that_failed(self):
        self.run_.final["stopped"]["b"] = 70
        self.rejects("stuck")

    def test_a_crash(self):
        for status in (-4, -5, -6, -11, 70, 75):
            with self.subTest(status):
                self.setUp()
                self.run_.ends.append({"at": T + 50_000, "event": "end", "slot": "a", "pid": 2, "status": status,
                                       "asked": None})
                self.rejects("ends")

    def test_a_death_that_nobody_caused(self):
        self.run_.ends.append({"at": T + 50_000, "event": "end", "slot": "a", "pid": 2, "status": -9, "asked": None})
        self.rejects("ends")

    def test_every_rule_was_broken_here(self):
        """By a record that it rejects, not by its name alone."""
        self.assertEqual(RULES.keys() - named_by_others(self), set(), "rules without a doctored record")
