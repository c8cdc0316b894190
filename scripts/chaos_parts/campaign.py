"""What reports of runs say to people, and their sum: a campaign may be run in pieces."""
import json
from pathlib import Path


def add_up(directories: list[str]) -> dict:
    """The sum of every report-*.json below the directories. A run counts once, whatever its place."""
    total = {"runs": 0, "seeds": [], "jobs": 0, "messages": 0, "results": 0, "calls": 0, "faults": {}, "outcomes": {},
             "explained": {}, "badJobs": {}, "deaths": 0, "violations": [], "faultErrors": [], "seconds": 0.0,
             "commits": []}
    seen = set()
    for directory in directories:
        for path in sorted(Path(directory).rglob("report-*.json")):
            one = json.loads(path.read_text())
            if (one["seed"], one["began"]) in seen:
                continue
            seen.add((one["seed"], one["began"]))
            total["runs"] += 1
            total["seeds"].append(one["seed"])
            total["seconds"] += one["seconds"]
            for name in ("jobs", "messages", "results", "calls", "deaths"):
                total[name] += one["counts"][name]
            for part, source in (("faults", one["faults"]), ("outcomes", one["counts"]["outcomes"]),
                                 ("badJobs", one["counts"].get("badJobs", {})), ("explained", one["explained"])):
                for name, count in source.items():
                    total[part][name] = total[part].get(name, 0) + count
            total["violations"] += [f"seed {one['seed']}: {rule}: {len(found)}"
                                    for rule, found in one["violations"].items()]
            total["faultErrors"] += [f"seed {one['seed']}: {error}" for error in one["faultErrors"]]
            if one["versions"]["commit"] not in total["commits"]:
                total["commits"].append(one["versions"]["commit"])
    total["seconds"] = round(total["seconds"], 1)
    return total


def show(report: dict) -> None:
    """For people; the report's file has the rest."""
    counts = report["counts"]
    print(f"seed {report['seed']}: {counts['jobs']} jobs, {counts['messages']} messages, {counts['results']} results, "
          f"{counts['calls']} calls; {report['seconds']:.0f} s, {report['cpuSeconds']:.0f} s of CPU, still after "
          f"{report['settledAfter']} s")
    print("  faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(report["faults"].items())))
    print("  outcomes: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts["outcomes"].items())))
    if counts["badJobs"]:
        print("  bad jobs: " + ", ".join(f"{row} {count}" for row, count in sorted(counts["badJobs"].items())))
    if report.get("goodWaits"):
        print("  good jobs among the bad ones of the end: {count}, done after {median} ms, at most {most} ms".format(
            **report["goodWaits"]))
    print("  explained:")
    for kind, count in sorted(report["explained"].items()):
        print(f"    {count:6} {kind}")
    if report.get("upgrade"):
        print("  upgrade: {replaced} daemons replaced, schema versions {schemas}".format(**report["upgrade"]))
    for name, value in (report["contention"] or {}).items():
        print(f"  contention: {name}: {value}")
    if (report.get("machine") or {}).get("watched"):
        print("  machine: kept {:.1%} of the time from the watch".format(
            report["machine"]["lost"] / report["machine"]["watched"]))
    for rule, cases in (report.get("judged") or {}).items():
        missed = "".join(f", {count} not because {why}" for why, count in cases["not"].items())
        print(f"  judged: {rule}: {cases['judged']} cases{missed}")
    for what, count in (report.get("losses") or {}).items():
        print(f"  lost in failovers: {what}: {count}")
    for rule, count in (report.get("costOfLosses") or {}).items():
        print(f"  broken by what was lost: {rule}: {count}")
    for what in report.get("unjudged") or ():
        print(f"  NOT JUDGED: {what}")
    for error in report["faultErrors"]:
        print(f"  a fault did not fall: {error}")
    for rule, found in sorted(report["violations"].items()):
        print(f"  VIOLATION of {rule}: {len(found)}")
        for one in found[:5]:
            print(f"    {one}")
    if not report["violations"]:
        print("  no violation")
