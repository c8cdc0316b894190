"""The ledger's disk is full; the ledger is damaged, or an older one."""

import os
import shutil
import subprocess

from .incident import incident
from .scenario import Scenario


@incident("disk-full")
def disk_full(scenario: Scenario) -> None:
    disk = scenario.directory / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300m", "incident", disk], capture_output=True, text=True)
    scenario.must(mounted.returncode == 0, f"a disk of its own needs root: {mounted.stderr.strip()}")
    scenario.at_end(lambda: subprocess.run(["umount", disk], check=True))
    scenario.start(ledger={"path": str(disk / "ledger.sqlite3")})
    scenario.provoked()
    filler = disk / "filler"
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free)
    jobs = scenario.jobs(8)
    scenario.submit(jobs)
    scenario.sees()
    scenario.mended()
    filler.unlink()
    scenario.is_well("the ledger can be written again", "hold lifted cause=ledger_unavailable")
    said = scenario.settle()
    scenario.must("nothing is on hold" in said, said)
    scenario.await_left(jobs)


@incident("ledger-damaged", "damaged")
def damaged(scenario: Scenario) -> None:
    backup = left_with_backup(scenario, 300)
    # Checkpointed into one file, so that there is something to damage; then killed, so that all of it is read at the
    # start.
    scenario.daemon.systemctl(["restart"])
    scenario.daemon.await_consuming()
    offset = scenario.daemon.log_size()
    scenario.submit(scenario.jobs(1))
    scenario.must(scenario.daemon.await_logged("job ended", 30, offset), "no job was done")
    scenario.daemon.kill()
    path = scenario.daemon.settings["ledger"]["path"]
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))
    scenario.provoked()
    scenario.daemon.start()
    scenario.sees("LeaveAlbumLedgerUnavailable", "leave_album_hold", "is damaged")
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    said = scenario.settle(BACKUP=backup)
    scenario.must("restored " in said and "is kept as" in said, said)
    scenario.is_well()
    scenario.await_left(jobs)


@incident("ledger-damaged", "restored")
def restored(scenario: Scenario) -> None:
    """A backup that has a job parked which has ended since: its copy was consumed, and never comes."""
    scenario.start({"ALBUMD_TEST_LOST_AFTER": "3000"}, retry={"delays": ["15s"]})
    job = park(scenario)
    backup = take_backup(scenario)
    scenario.simulator.behaves()
    scenario.await_left(job)
    scenario.provoked()
    scenario.settle(BACKUP=backup)
    scenario.sees("job_lost", "LeaveAlbumJobsLost")
    scenario.settled_by = "leave-albumd reconcile, and the job submitted again"
    scenario.must(scenario.states(job).get("left") != 1, "the job is not known as lost")
    again = [{**job[0], "jobId": f"{job[0]['jobId']}-again"}]
    scenario.mended()
    scenario.submit(again)
    scenario.await_left(again)
    scenario.is_well(lasting=["LeaveAlbumJobsLost"])


@incident("ledger-damaged", "displaced")
def displaced(scenario: Scenario) -> None:
    """A backup is moved over the ledger of a daemon that runs."""
    backup = left_with_backup(scenario, 20)
    after = scenario.jobs(20)
    scenario.submit(after)
    scenario.await_left(after)
    path = scenario.daemon.settings["ledger"]["path"]
    scenario.provoked()
    os.rename(backup, path)
    scenario.sees("LeaveAlbumLedgerUnavailable", "leave_album_hold", "not the one on the disk any more")
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    # Not the journal of one, which comes and goes with each record.
    copies = [name for name in os.listdir(os.path.dirname(path)) if ".rescued-" in name and name[-1].isdigit()]
    scenario.must(len(copies) == 1, f"copies beside the ledger: {copies}")
    said = scenario.settle(BACKUP=os.path.join(os.path.dirname(path), copies[0]))
    scenario.must("restored " in said, said)
    scenario.is_well()
    scenario.await_left(jobs)
    scenario.must(scenario.states(after).get("left") == 20, "what the backup did not know is known")


@incident("ledger-damaged", "behind")
def behind(scenario: Scenario) -> None:
    """A backup from before a job was parked."""
    scenario.start(retry={"delays": ["15s"]})
    backup = take_backup(scenario)
    job = park(scenario)
    scenario.simulator.behaves()
    scenario.provoked()
    scenario.settle(BACKUP=backup)
    scenario.sees("knows more of its job", "ledger_behind_total", "LeaveAlbumLedgerBehind")
    scenario.await_left(job)
    scenario.mended()
    scenario.is_well(lasting=["LeaveAlbumLedgerBehind"])


def park(scenario: Scenario) -> list[dict]:
    """A job that the API refuses for now, in the queue of its delay."""
    scenario.simulator.answers({"wording": "unavailable"}, method="leave")
    job = scenario.jobs(1)
    scenario.submit(job)
    scenario.must(scenario.daemon.await_logged(" parked job=", 60), "the job was not parked")
    return job


def left_with_backup(scenario: Scenario, count: int) -> str:
    """A daemon that has done so many jobs, and a backup of its ledger."""
    scenario.start()
    before = scenario.jobs(count)
    scenario.submit(before)
    scenario.await_left(before)
    return take_backup(scenario)


def take_backup(scenario: Scenario) -> str:
    backup = str(scenario.directory / "backup.sqlite3")
    scenario.daemon.order("ledger", "backup", backup)
    return backup
