"""The ledger's disk is full; the ledger is damaged, or an older one."""

import os
import shutil
import subprocess

from incident_drills.surroundings import wait


def disk_full(drill):
    disk = os.path.join(drill.room, "disk")
    os.mkdir(disk)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "drill", disk], capture_output=True, text=True)
    drill.must(mounted.returncode == 0, f"a disk of its own needs root: {mounted.stderr.strip()}")
    drill.at_end(lambda: subprocess.run(["umount", disk], check=True))
    drill.start(ledger={"path": os.path.join(disk, "ledger.sqlite3")})
    drill.provoked()
    filler = os.path.join(disk, "filler")
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free)
    jobs = drill.jobs(8)
    drill.submit(jobs)
    drill.sees()
    drill.mended()
    os.remove(filler)
    drill.is_well("the ledger can be written again", "hold lifted cause=ledger_unavailable")
    said = drill.settle()
    drill.must("nothing is on hold" in said, said)
    drill.await_left(jobs)


def damaged(drill):
    drill.start()
    before = drill.jobs(300)
    drill.submit(before)
    drill.await_left(before)
    backup = take_backup(drill)
    # Folded into one file, so that there is something to damage; then killed, so that all of it is read at the start.
    drill.daemon.systemctl(["restart"])
    drill.daemon.await_consuming()
    drill.submit(drill.jobs(1))
    drill.must(wait(lambda: any("job ended" in line for line in drill.daemon.log()[-2:]), 30), "no job was done")
    drill.daemon.kill()
    path = drill.daemon.settings["ledger"]["path"]
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))
    drill.provoked()
    drill.daemon.start()
    drill.sees("LeaveAlbumLedgerUnavailable", "leave_album_hold", "is damaged")
    jobs = drill.jobs(3)
    drill.submit(jobs)
    said = drill.settle(BACKUP=backup)
    drill.must("restored " in said and "is kept as" in said, said)
    drill.is_well()
    drill.await_left(jobs)


def restored(drill):
    """A backup that has a job parked which has ended since: its copy was consumed, and never comes."""
    drill.start({"ALBUMD_TEST_LOST_AFTER": "3000"}, retry={"delays": ["15s"]})
    drill.simulator.answers({"wording": "unavailable"}, method="leave")
    job = drill.jobs(1)
    drill.submit(job)
    drill.must(wait(lambda: any(" parked job=" in line for line in drill.daemon.log()), 60), "the job was not parked")
    backup = take_backup(drill)
    drill.simulator.behaves()
    drill.await_left(job)
    drill.provoked()
    drill.settle(BACKUP=backup)
    drill.sees("job_lost", "LeaveAlbumJobsLost")
    drill.settled_by = "leave-albumd reconcile, and the job submitted again"
    drill.must(drill.standing(job).get("left") != 1, "the job is not known as lost")
    again = [{**job[0], "jobId": f"{job[0]['jobId']}-again"}]
    drill.mended()
    drill.submit(again)
    drill.await_left(again)
    drill.is_well(lasting=["LeaveAlbumJobsLost"])


def displaced(drill):
    """A backup is moved over the ledger of a daemon that runs."""
    drill.start()
    before = drill.jobs(20)
    drill.submit(before)
    drill.await_left(before)
    backup = take_backup(drill)
    after = drill.jobs(20)
    drill.submit(after)
    drill.await_left(after)
    path = drill.daemon.settings["ledger"]["path"]
    drill.provoked()
    os.rename(backup, path)
    drill.sees("LeaveAlbumLedgerUnavailable", "leave_album_hold", "not the one on the disk any more")
    jobs = drill.jobs(3)
    drill.submit(jobs)
    # Not the journal of one, which comes and goes with each record.
    copies = [name for name in os.listdir(os.path.dirname(path)) if ".rescued-" in name and name[-1].isdigit()]
    drill.must(len(copies) == 1, f"copies beside the ledger: {copies}")
    said = drill.settle(BACKUP=os.path.join(os.path.dirname(path), copies[0]))
    drill.must("restored " in said, said)
    drill.is_well()
    drill.await_left(jobs)
    drill.must(drill.standing(after).get("left") == 20, "what the backup did not know is known")


def behind(drill):
    """A backup from before a job was parked."""
    drill.start(retry={"delays": ["15s"]})
    backup = take_backup(drill)
    drill.simulator.answers({"wording": "unavailable"}, method="leave")
    job = drill.jobs(1)
    drill.submit(job)
    drill.must(wait(lambda: any(" parked job=" in line for line in drill.daemon.log()), 60), "the job was not parked")
    drill.simulator.behaves()
    drill.provoked()
    drill.settle(BACKUP=backup)
    drill.sees("knows more of its job", "ledger_behind_total", "LeaveAlbumLedgerBehind")
    drill.await_left(job)
    drill.mended()
    drill.is_well(lasting=["LeaveAlbumLedgerBehind"])


def take_backup(drill):
    backup = os.path.join(drill.room, "backup.sqlite3")
    status, said = drill.daemon.command("ledger", "backup", backup)
    drill.must(status == 0, f"ledger backup: {said}")
    return backup
