"""What a day brings: jobs, a look at the journal, a reload."""
import re
import time

from testbed.waiting import wait

from .report import Report
from .worker import SETTINGS_TEXT, Worker

JOBS = 1000


def jobs_done(worker: Worker, report: Report) -> None:
    report.scenario(f"{JOBS} jobs")
    report.figure("memory at rest", memory(worker))
    ids, path = worker.batch(JOBS)
    began = time.monotonic()
    submission = worker.submit_and_follow(path)
    worker.await_calls(path, JOBS // 2)
    report.check("STATUS tells the rate", *worker.await_status(r"^consuming: \d+ jobs/min", 15))
    results, errors = worker.followed(submission)
    report.figure(f"{JOBS} jobs, from the first publish to the last result", f"{time.monotonic() - began:.1f} s")
    whole(worker, report, ids, path, results, errors)
    report.figure("memory at its peak, after that load", memory(worker))
    # RabbitMQ counts a quorum queue's messages every few seconds.
    wait(lambda: lanes(worker.depths()) == {"leave-album.results": JOBS}, 20)
    report.check("nothing is left in any queue but the results, one of each",
                 lanes(worker.depths()) == {"leave-album.results": JOBS}, lanes(worker.depths()))
    text = worker.get("/metrics")[1]
    counted = sum(float(value) for value in re.findall(r'^leave_album_jobs_total\{[^}]*outcome="left"[^}]*\} (\S+)$',
                                                       text, re.MULTILINE))
    report.check("the metrics count them", counted >= JOBS, f"jobs_total left {counted:.0f}")


def lanes(depths: dict[str, int]) -> dict[str, int]:
    """The queues that are not empty."""
    return {name: count for name, count in depths.items() if count}


def whole(
    worker: Worker, report: Report, ids: list[str], path: str, results: dict[str, dict], errors: str = "",
    most_calls: int = 1
) -> None:
    """Every job has a result that its user left, and none was called more than it may be."""
    missing = set(ids) - set(results)
    report.check(f"each of {len(ids)} jobs has its result", not missing,
                 f"{len(results)} results" + (f", missing {sorted(missing)[:5]}, {errors[-300:]}" if missing else ""))
    outcomes = {}
    for result in results.values():
        words = f"{result['outcome']}/{result.get('reason', '-')}"
        outcomes[words] = outcomes.get(words, 0) + 1
    gone = sum(count for words, count in outcomes.items() if words.split("/")[0] in ("left", "already_left"))
    report.check("every user left", gone == len(ids), outcomes)
    calls = worker.calls(path)
    twice = {token: count for token, count in calls.items() if count > most_calls}
    report.check("no job was called twice", not twice and len(calls) == len(ids),
                 f"{sum(calls.values())} calls for {len(calls)} albums" + (f", {twice}" if twice else ""))


def memory(worker: Worker) -> str:
    """Of the daemon's process: now and at most; and of the unit where the machine counts it."""
    pid = worker.container.process_outside(int(worker.show("MainPID")))
    with open(f"/proc/{pid}/status") as file:
        status = dict(line.split(":", 1) for line in file if ":" in line)
    text = ", ".join(f"{name} {int(status[field].split()[0]) / 1024:.1f} MiB"
                     for name, field in (("resident", "VmRSS"), ("at most", "VmHWM")))
    unit = worker.show("MemoryCurrent")
    return text + (f", unit {int(unit) / 1048576:.1f} MiB" if unit.isdigit() else "")


def journal_fields(worker: Worker, report: Report) -> None:
    report.scenario("journal fields")
    worker.mark()
    worker.simulator.arrange("albums", {"token": "owned", "owner": "user1", "members": ["user1"]})
    worker.simulator.answers({"wording": "unavailable"}, token="album-flaky", count=2)
    worker.write("/var/tmp/fields.jsonl", "".join(
        f'{{"jobId":"field-{name}","account":"{account}","shareToken":"{token}"}}\n'
        for name, account, token in (("left", "user1", "album-field"), ("owner", "user1", "owned"),
                                     ("flaky", "user2", "album-flaky"), ("stranger", "unknown", "album-stranger"))))
    worker.albumd("submit", "--file", "/var/tmp/fields.jsonl", "--wait", "--timeout", "60s", check=False)
    # As a publisher that traces would: `submit` sends no header.
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    worker.publish('{"jobId":"field-traced","account":"user3","shareToken":"album-traced"}',
                   {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    # The results come a moment before the lines.
    wait(lambda: len([line for line in worker.lines() if "OUTCOME" in line]) >= 5, 10)
    lines = worker.lines()

    def line_of(job):
        found = [line for line in lines if line.get("JOB_ID") == job and "OUTCOME" in line]
        return found[-1] if found else {}
    left, owner, flaky, stranger, traced = (
        line_of(f"field-{name}") for name in ("left", "owner", "flaky", "stranger", "traced"))
    report.check("a job that ended well is one line with JOB_ID, ACCOUNT, OUTCOME",
                 (left.get("OUTCOME"), left.get("ACCOUNT")) == ("left", "user1"), brief(left))
    report.check("at priority 6 (info)", left.get("PRIORITY") == "6", left.get("PRIORITY"))
    name = left.get("SYSLOG_IDENTIFIER")
    report.check("under the daemon's name", name == "leave-albumd", name)
    report.check("with the place in the code", all(left.get(name) for name in ("CODE_FILE", "CODE_LINE", "CODE_FUNC")),
                 {name: left.get(name) for name in ("CODE_FILE", "CODE_LINE", "CODE_FUNC")})
    report.check("and with the publisher's TRACE_ID", traced.get("TRACE_ID") == trace, traced.get("TRACE_ID"))
    report.check("a refused one has its REASON, at priority 4 (warning)",
                 (owner.get("REASON"), owner.get("PRIORITY")) == ("album_owner", "4"), brief(owner))
    report.check("so has one without a grant", stranger.get("REASON") == "credential_not_found", brief(stranger))
    report.check("ATTEMPT counts what failed before", flaky.get("ATTEMPT") == "2" or
                 any(line.get("JOB_ID") == "field-flaky" and line.get("ATTEMPT") for line in lines), brief(flaky))
    words = " ".join(str(value) for line in lines for value in line.values())
    secrets = [word for word in ("album-field", "album-flaky", "rt-user1", "at-1") if re.search(rf"\b{word}\b", words)]
    report.check("no share token, refresh token or access token is in it", not secrets, secrets)


def brief(line: dict) -> dict | str:
    """Our fields of a journal line."""
    ours = ("JOB_ID", "ACCOUNT", "REASON", "ATTEMPT", "OUTCOME", "CAUSE", "VERDICT", "TRACE_ID", "PRIORITY")
    found = {name: value for name, value in line.items() if name in ours or name.startswith("LEAVE_ALBUM_")}
    return found or "no such line"


def reload(worker: Worker, report: Report) -> None:
    report.scenario("SIGHUP")
    pid = worker.show("MainPID")

    def reloaded(what, text, metric):
        worker.mark()
        worker.settings(text)
        took = worker.systemctl("reload", check=False)
        # `reload` sends the signal; the daemon's RELOADING and READY follow.
        wait(lambda: worker.show("ActiveState") == "active" and len(worker.lines()) > 1, 10)
        time.sleep(0.5)
        messages = worker.messages()
        seen = worker.show("ActiveState", "MainPID", "NRestarts")
        report.check(f"{what}: active again, the same process",
                     seen["ActiveState"] == "active" and seen["MainPID"] == pid, f"{seen}, {took * 1000:.0f} ms")
        wait(lambda: worker.metric("config_reload_success") == metric, 5)
        report.check(f"{what}: config_reload_success is {metric}", worker.metric("config_reload_success") == metric,
                     worker.metric("config_reload_success"))
        return [text for text in messages if "systemd" not in text]

    good = SETTINGS_TEXT.replace('level = "info"', 'level = "debug"')
    said = reloaded("a good file", good, 1)
    report.check("a good file is said to be taken", any("reload" in text for text in said), " | ".join(said))
    ids, path = worker.batch(5)
    worker.mark()
    worker.followed(worker.submit_and_follow(path))
    debug = [line for line in worker.lines() if line.get("PRIORITY") == "7"]
    report.check("the new level holds: debug lines come", debug, f"{len(debug)} of {len(worker.lines())} lines")
    bad = SETTINGS_TEXT.replace('level = "info"', 'level = "loud"\nnonsense = 1')
    said = reloaded("a bad file", bad, 0)
    report.check("a bad file's faults are told, with their places",
                 any("loud" in text for text in said) and any("nonsense" in text for text in said), " | ".join(said))
    ids, path = worker.batch(20)
    # The command would not take the bad file either.
    worker.write("/var/tmp/good.toml", SETTINGS_TEXT)
    results, _ = worker.followed(worker.submit_and_follow(path, config="/var/tmp/good.toml"))
    report.check("and work goes on under the old one", len(results) == len(ids), len(results))
    other = SETTINGS_TEXT.replace("[broker]\n", '[broker]\nprefix = "elsewhere"\n')
    said = reloaded("a file that needs a restart", other, 1)
    report.check("what needs a restart is named", any("broker.prefix" in text for text in said), " | ".join(said))
    reloaded("the first file again", SETTINGS_TEXT, 1)
