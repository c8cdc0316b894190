"""Stops, kills, and threads that hang."""
import os
import subprocess
import time

from testbed.waiting import wait

from .report import Report
from .worker import SETTINGS_TEXT, Worker
from .working import whole

JOBS = 1500


def under_load(worker: Worker, jobs: int = JOBS) -> tuple[list[str], str, subprocess.Popen]:
    """Jobs on their way, some of them done: (ids, file, submission)."""
    ids, path = worker.batch(jobs)
    submission = worker.submit_and_follow(path)
    worker.await_calls(path, jobs // 10)
    return ids, path, submission


def is_back(worker: Worker, pid: str) -> bool:
    """Whether systemd has another process than `pid` up within a minute."""
    return wait(
        lambda: worker.show("ActiveState") == "active" and worker.show("MainPID") not in (pid, "0"), 60)


def restart_under_load(worker: Worker, report: Report) -> None:
    report.scenario("systemctl restart under load")
    ids, path, submission = under_load(worker)
    worker.mark()
    before, pid = len(worker.calls(path)), worker.show("MainPID")
    took = worker.systemctl("restart")
    seen = worker.show("MainPID", "ActiveState", "NRestarts")
    report.check(f"restarted in {took:.1f} s, {before} of {len(ids)} called before",
                 seen["MainPID"] != pid and seen["ActiveState"] == "active" and before < len(ids), seen)
    whole(worker, report, ids, path, *worker.followed(submission))


def stop_under_load(worker: Worker, report: Report) -> None:
    report.scenario("systemctl stop under load")
    ids, path, submission = under_load(worker)
    worker.mark()
    took = worker.systemctl("stop")
    seen = worker.show("ActiveState", "ExecMainStatus", "Result")
    report.figure("stop under load, 32 calls in flight", f"{took * 1000:.0f} ms")
    report.check("it ends by itself with 0", (seen["ExecMainStatus"], seen["Result"]) == ("0", "success"), seen)
    called = len(worker.calls(path))

    def waiting():
        depths = worker.depths()
        return sum(depths.get(f"leave-album.{lane}", 0) for lane in ("jobs", "due"))
    # RabbitMQ counts a quorum queue's messages every few seconds.
    wait(lambda: waiting() >= len(ids) - called, 15)
    report.check("what was not called is the broker's again", called < len(ids) and waiting() >= len(ids) - called,
                 f"{called} called, {waiting()} wait")
    worker.systemctl("start")
    whole(worker, report, ids, path, *worker.followed(submission))


def stop_with_slow_calls(worker: Worker, report: Report) -> None:
    report.scenario("systemctl stop while each call takes 5 s")
    worker.slow(5_000)
    ids, path = worker.batch(100)
    submission = worker.submit_and_follow(path)
    worker.await_calls(path, 32)
    text = worker.show("StatusText")
    took = worker.systemctl("stop")
    report.figure("stop while 32 calls of 5 s are in flight", f"{took:.1f} s")
    seen = worker.show("ExecMainStatus", "Result")
    report.check("they are finished, and no other is begun",
                 (seen["ExecMainStatus"], seen["Result"], len(worker.calls(path))) == ("0", "success", 32),
                 f"{seen}, {len(worker.calls(path))} calls; before: {text}")
    worker.slow(None)
    worker.systemctl("start")
    whole(worker, report, ids, path, *worker.followed(submission))


def killed(worker: Worker, report: Report) -> None:
    report.scenario("SIGKILL under load")
    ids, path, submission = under_load(worker)
    pid, restarts = worker.show("MainPID"), int(worker.show("NRestarts"))
    worker.container.run("kill", "-KILL", pid)
    began = time.monotonic()
    back = is_back(worker, pid)
    report.check("systemd starts it again", back and int(worker.show("NRestarts")) == restarts + 1,
                 f"after {time.monotonic() - began:.1f} s")
    whole(worker, report, ids, path, *worker.followed(submission))


def wrong_settings(worker: Worker, report: Report) -> None:
    report.scenario("wrong settings at a restart")
    worker.mark()
    worker.settings(SETTINGS_TEXT.replace("[retry]", '[retry]\nmax_attemps = 3'))
    worker.systemctl("restart", check=False)
    wait(lambda: worker.show("ActiveState") == "failed", 20)
    looped = wait(lambda: int(worker.show("NRestarts")) > 0, 8)
    seen = worker.show("ActiveState", "ExecMainStatus", "NRestarts", "StatusText")
    report.check("it fails with 78, and is not tried again",
                 (seen["ActiveState"], seen["ExecMainStatus"]) == ("failed", "78") and not looped, seen)
    said = [text for text in worker.messages() if "max_attemps" in text]
    report.check("the journal names the key and the line", said, " | ".join(said) or worker.last_lines())
    worker.settings()
    worker.systemctl("start")
    worker.await_consuming()
    report.did("mended, started")


def frozen(worker: Worker, report: Report, thread: str) -> None:
    report.scenario(f'a frozen loop: thread "{thread}"')
    ids, path, submission = under_load(worker)
    worker.mark()
    pid, restarts = worker.show("MainPID"), int(worker.show("NRestarts"))
    outside = worker.container.process_outside(int(pid))
    freezer = subprocess.Popen(
        ["python3", os.path.join(os.path.dirname(os.path.abspath(__file__)), "freeze_thread.py"), str(outside), thread],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if freezer.stdout.readline().strip() != "frozen":
            raise RuntimeError(freezer.stderr.read())
        began = time.monotonic()
        watchdog = worker.show("WatchdogUSec")
        found, text = worker.await_status("^not answering", 60)
        report.check("STATUS names it", found and thread.split()[0] in text,
                     f"after {time.monotonic() - began:.0f} s: {text}")
        killed = wait(lambda: worker.show("MainPID") != pid, 90)
        report.check(f"the watchdog ({watchdog}) ends the process", killed, f"after {time.monotonic() - began:.0f} s")
        told = [str(line.get("MESSAGE")) for line in worker.lines() if "atchdog" in str(line.get("MESSAGE", ""))]
        report.check("the journal says so", told, " | ".join(told))
        back = is_back(worker, pid)
        report.check("and systemd starts another", back and int(worker.show("NRestarts")) == restarts + 1,
                     f"after {time.monotonic() - began:.0f} s")
    finally:
        freezer.terminate()
        freezer.communicate()
    whole(worker, report, ids, path, *worker.followed(submission))
