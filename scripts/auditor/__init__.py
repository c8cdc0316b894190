"""The auditor. It reads what was published, the results, the dead letters, the simulator's journal and which faults
fell; it shares nothing with the daemon, and proves of every message what became of it."""
import json
from pathlib import Path

from . import (journal, losses, rules_calls, rules_cluster, rules_fault, rules_in_time, rules_judged, rules_messages,
               rules_questions, rules_results, rules_run, rules_waits)
from .facts import Facts
from .terms import Terms

RULES = {
    "accounted": rules_messages.accounted,
    "conflicts": rules_messages.conflicts,
    "strangers": rules_messages.strangers,
    "dead_letters": rules_messages.dead_letters,
    "one_body": rules_results.one_body,
    "one_result": rules_results.one_result,
    "coherent": rules_results.coherent,
    "reasons": rules_results.reasons,
    "effects": rules_results.effects,
    "ambiguity": rules_results.ambiguity,
    "calls": rules_calls.calls,
    "identity": rules_calls.identity,
    "forbidden_calls": rules_calls.forbidden,
    "after_result": rules_calls.after_result,
    "bad_jobs": rules_fault.bad_jobs,
    "good_jobs": rules_fault.good_jobs,
    "stuck": rules_run.stuck,
    "ends": rules_run.ends,
}

#: Besides, of runs in which several workers share a ledger.
CLUSTER_RULES = {
    "questions": rules_questions.questions,
    "asked": rules_cluster.asked,
    "lease": rules_cluster.lease,
    "overlaps": rules_cluster.overlaps,
    "gate": rules_cluster.gate,
    "probes": rules_cluster.probes,
    "day": rules_cluster.day,
    "in_time": rules_in_time.in_time,
    "waits": rules_waits.waits,
    # Last: of what the others could judge.
    "judged": rules_judged.judged,
    "machine": rules_judged.machine,
}


def judge(directory: Path) -> dict:
    """Judges the records in a run's directory."""
    names = {"published": "published", "results": "results", "dead_letters": "dead-letters", "calls": "calls",
             "faults": "faults", "ends": "ends", "over": "over", "stalls": "stalls"}
    return judge_facts(Facts(
        final=_read(directory / "final.json"), terms=Terms.read(_read(directory / "terms.json")),
        **{part: journal.read(directory / f"{name}.jsonl") for part, name in names.items()}))


def _read(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def judge_facts(facts: Facts) -> dict:
    violations = {}
    for name, rule in (RULES | CLUSTER_RULES if facts.terms else RULES).items():
        found = list(rule(facts))
        if found:
            violations[name] = found
    violations, cost = losses.sort(facts, violations)
    return {"violations": violations, "unjudged": list(rules_cluster.unjudged(facts)) if facts.terms else [],
            "losses": losses.summary(facts), "costOfLosses": cost,
            "machine": {"watched": facts.stalls.watched, "lost": facts.stalls.total} if facts.terms else None,
            "judged": rules_judged.summary(facts), "explained": dict(facts.explained), "counts": facts.counts(),
            "goodWaits": _summary([until - began for began, until in rules_fault.waits(facts)])}


def _summary(waits: list[int]) -> dict[str, int] | None:
    """How long the good jobs of the end took, in ms."""
    waits.sort()
    return {"count": len(waits), "median": waits[len(waits) // 2], "most": waits[-1]} if waits else None
