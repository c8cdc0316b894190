"""What two workers over one database go through on hosts of their own."""
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable

from testbed.waiting import wait

from .. import installing, leaving
from ..jobs import ACCOUNTS
from ..report import Report
from ..worker import Worker
from ..working import whole
from .stage import Stage

# Enough for some seconds of both.
JOBS = 3000


def run(stage: Stage, report: Report) -> None:
    prepare(stage, report)
    for scenario in (jobs_of_both, power_cut, stop, restart, upgrade, database_down, sizes):
        try:
            scenario(stage, report)
        except Exception as error:
            report.broke(error)
            stage.mend()


def prepare(stage: Stage, report: Report) -> None:
    report.scenario("two workers and a database, by docs/cluster.md")
    stage.database.prepare(stage.instructions)
    report.did(f"PostgreSQL {stage.database.administer('SHOW server_version')}, roles, TLS, pg_hba.conf")
    stage.install(report)
    found = stage.second.albumd("check", "--live", check=False)
    report.check("before `ledger declare`, `check --live` says that there is no schema, and what makes it",
                 found.returncode == 78 and "ledger declare" in found.stdout + found.stderr,
                 f"{found.returncode}: {found.stdout[-300:]}{found.stderr[-300:]}")
    said = stage.declare()
    report.check("`ledger declare` makes the schema", "made the ledger's schema" in said, said)
    left = re.findall(r"^ {4}(.*;)$", said, re.MULTILINE)
    stage.database.administer("\n".join(left))
    said = stage.declare()
    report.check("after what it left to the administrator, it has nothing to say the second time",
                 "already" in said and not re.search("administrator|superuser", said),
                 f"{len(left)} statements; then: {said}")
    for name, worker in zip(("first", "second"), stage.workers):
        # Every block of the page, as it stands there.
        started = worker.container.run("bash", "-ec", stage.instructions.start, check=False)
        report.check(f"the {name} is checked and started as the page has it", started.returncode == 0,
                     started.stdout + started.stderr)
        odd = warnings(started.stdout)
        report.check("and warned of nothing but the standby and the broker's TLS, which are not there", not odd, odd)
    for worker in stage.workers:
        worker.await_consuming()
    took = stage.await_state("worker-2", "working", 20)
    report.check("`ledger members` has both at work", stage.states("worker-1") == ["working"] and took is not None,
                 stage.members())
    stage.first.add_accounts([f"user{n}" for n in range(ACCOUNTS)], as_root=True)
    for name, worker in zip(("first", "second"), stage.workers):
        files = sorted(os.listdir(worker.container.path("/var/lib/leave-albumd")))
        report.check(f"the {name} keeps neither ledger nor grants on its disk",
                     not set(files) & {"ledger.sqlite3", "credentials"}, files)
        installing.confined(worker, report)
    report.figure("exposure of the running unit over a shared ledger", installing.exposure(stage.second, report))


def warnings(said: str) -> list[str]:
    """What `check --live` warned of, but for what this stage has not."""
    return [line for line in said.splitlines() if re.search(r"\b(warning|FAULT)\b", line)
            and not re.search(r"standby|is not amqps", line)]


def jobs_of_both(stage: Stage, report: Report) -> None:
    report.scenario("jobs, done by both")
    first = stage.first
    ids, path = first.batch(1000)
    before = [done(worker) for worker in stage.workers]
    written = log_written(stage)
    whole(first, report, ids, path, *first.followed(first.submit_and_follow(path)))
    report.did(f"{(log_written(stage) - written) / len(ids):.0f} bytes of the database's log for each")
    did = [done(worker) - earlier for worker, earlier in zip(stage.workers, before)]
    report.check("each did its part", sum(did) == len(ids) and min(did) > len(ids) // 10, did)


def log_written(stage: Stage) -> int:
    """Bytes of the database's write-ahead log so far."""
    return int(stage.database.administer("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


def done(worker: Worker) -> int:
    """Jobs that ended at this worker with their user out of the album."""
    found = re.findall(r'^leave_album_jobs_total\{[^}]*outcome="(?:left|already_left)"[^}]*\} (\S+)$',
                       worker.get("/metrics")[1], re.MULTILINE)
    return int(sum(map(float, found)))


def under_load(stage: Stage, jobs: int = JOBS) -> tuple[list[str], str, subprocess.Popen]:
    """Jobs on their way at both workers: (ids, file, submission)."""
    ids, path = stage.first.batch(jobs)
    before = [done(worker) for worker in stage.workers]
    submission = stage.first.submit_and_follow(path)

    def both() -> bool:
        return all(done(worker) > earlier + 20 for worker, earlier in zip(stage.workers, before))
    if not wait(both, 60):
        raise RuntimeError(f"not both work: {[done(worker) for worker in stage.workers]}, before {before}")
    return ids, path, submission


def power_cut(stage: Stage, report: Report) -> None:
    report.scenario("a host loses its power under load")
    first = stage.first
    ids, path, submission = under_load(stage)
    earlier = done(first)
    stage.power_cut(stage.second)
    began = time.monotonic()
    called = len(first.calls(path))
    report.check("in the middle of the jobs", called < len(ids), f"{called} of {len(ids)} called")
    took = stage.await_state("worker-2", "dead", 30)
    report.check("`ledger members` has it as dead, and the other at work",
                 took is not None and stage.states("worker-1") == ["working"], stage.members())
    report.figure("power cut to `dead`", f"{time.monotonic() - began:.1f} s")
    # Read from the database now and then.
    wait(lambda: instances(first) == [1, 1], 40)
    report.check("LeaveAlbumMemberGone has what it asks for: one works, one is dead", instances(first) == [1, 1],
                 instances(first))
    # The broker believes in its connection for up to two heartbeats of 10 s, the ledger in its calls for 30 s.
    results = first.followed(submission)
    report.figure("power cut to the last job's result", f"{time.monotonic() - began:.1f} s")
    whole(first, report, ids, path, *results)
    took_over = first.metric("takeovers_total")
    report.check("its calls were taken over, each after its lease", (took_over or 0) > 0, took_over)
    report.did(f"{done(first) - earlier} jobs ended at the first since the cut")
    report.check("LeaveAlbumFencedRecords has not: nobody came late", first.metric("fenced_records_total") == 0)
    stage.power_on(stage.second)
    stage.second.await_consuming(120)
    report.check("with its power it is back by itself, as another member",
                 stage.await_state("worker-2", "working", 20) is not None
                 and stage.states("worker-2") == ["dead", "working"], stage.states("worker-2"))
    wait(lambda: instances(first)[0] == 2, 40)
    report.check("the alert ends: both work", instances(first)[0] == 2, instances(first))
    jobs_of_both(stage, report)


def instances(worker: Worker) -> list[float | None]:
    """How many members work, and how many are dead, by this worker's metrics."""
    return [worker.metric(f'instances{{state="{state}"}}') for state in ("working", "dead")]


def beside_load(stage: Stage, report: Report, action: Callable[[Worker], None]) -> None:
    """Does something to the second while both work. The jobs are all done, once each."""
    ids, path, submission = under_load(stage)
    action(stage.second)
    called = len(stage.first.calls(path))
    report.check("in the middle of the jobs", called < len(ids), f"{called} of {len(ids)} called")
    whole(stage.first, report, ids, path, *stage.first.followed(submission))
    report.check("the other one worked all the time", stage.first.is_consuming(), stage.first.show("StatusText"))


def stop(stage: Stage, report: Report) -> None:
    report.scenario("systemctl stop of one while the other works")

    def stopped(worker: Worker) -> None:
        took = worker.systemctl("stop")
        seen = worker.show("ExecMainStatus", "Result")
        report.check(f"it ends by itself with 0, in {took:.1f} s",
                     (seen["ExecMainStatus"], seen["Result"]) == ("0", "success"), seen)
        report.check("`ledger members` has it as gone, at once", stage.states("worker-2")[-1] == "gone",
                     stage.states("worker-2"))
    beside_load(stage, report, stopped)
    report.check("nobody is missed: no more are dead", stage.states("worker-2").count("dead") <= 1,
                 stage.states("worker-2"))
    stage.second.systemctl("start")
    stage.second.await_consuming()


def restart(stage: Stage, report: Report) -> None:
    report.scenario("systemctl restart of one while the other works")
    beside_load(stage, report, lambda worker: report.did(f"restarted in {worker.systemctl('restart'):.1f} s"))
    stage.second.await_consuming()


def upgrade(stage: Stage, report: Report) -> None:
    report.scenario("upgrade of the package in one while the other works")
    newer = leaving.next_revision(stage.deb, stage.scratch)
    shutil.copy(newer, stage.second.container.path("/var/tmp/"))

    def upgraded(worker: Worker) -> None:
        pid = worker.show("MainPID")
        leaving.install(worker.container, newer)
        seen = worker.show("ActiveState", "MainPID")
        report.check(f"{leaving.version(worker.container)}: restarted and active",
                     seen["ActiveState"] == "active" and seen["MainPID"] != pid, seen)
    beside_load(stage, report, upgraded)
    stage.second.await_consuming()
    jobs_of_both(stage, report)


def database_down(stage: Stage, report: Report) -> None:
    report.scenario("the database goes and comes back")
    first = stage.first
    ids, path, submission = under_load(stage)
    stage.database.container.run("systemctl", "stop", "postgresql")
    for name, worker in zip(("first", "second"), stage.workers):
        report.check(f"the {name} holds", *worker.await_status("on hold.*ledger_unavailable", 60))
    pids = [worker.show("MainPID") for worker in stage.workers]
    stage.database.container.run("systemctl", "start", "postgresql")
    began = time.monotonic()
    for worker in stage.workers:
        worker.await_consuming()
    report.figure("database back to both consuming", f"{time.monotonic() - began:.1f} s")
    report.check("neither was restarted", pids == [worker.show("MainPID") for worker in stage.workers])
    whole(first, report, ids, path, *first.followed(submission))


def sizes(stage: Stage, report: Report) -> None:
    report.scenario("what it takes of the database")
    stage.database.administer("CHECKPOINT")
    most = stage.database.administer(
        "SELECT max(count) FROM (SELECT count(*) FROM pg_stat_activity WHERE usename = 'album_worker' "
        "GROUP BY client_addr) AS hosts")
    report.check("a daemon has at most three connections, as the page says", int(most) <= 3, most)
    jobs = int(stage.database.administer("SELECT count(*) FROM leave_album.jobs"))
    size = int(stage.database.administer(
        "SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class JOIN pg_namespace AS spaces "
        "ON spaces.oid = relnamespace WHERE nspname = 'leave_album' AND relkind = 'r'"))
    report.figure(f"disk of the ledger, a job, of {jobs}", f"{size / jobs:.0f} bytes")
