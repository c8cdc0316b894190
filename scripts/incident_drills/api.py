"""The API refuses, is away, is slow, has had enough for the day; the clock is not the API's."""

import email.utils
import os
import subprocess
import time

from incident_drills.surroundings import wait


def quota_spent(drill):
    drill.start(limits={"requests_per_day": 5, "day_zone": young_day()})
    drill.provoked()
    jobs = drill.jobs(12)
    drill.submit(jobs)
    drill.sees()
    drill.daemon.write(limits={"requests_per_day": 500})
    drill.settle()
    drill.is_well("reloaded the settings changed=limits.requests_per_day", "hold lifted cause=quota_day")
    drill.await_left(jobs)


def young_day():
    """A zone in which midnight is more than twelve hours ahead: the quota is gone by noon there."""
    hour = time.gmtime().tm_hour
    ahead = next(ahead for ahead in range(-11, 13) if 1 <= (hour + ahead) % 24 <= 8)
    # The names of these zones count westwards.
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def retired(drill):
    drill.start()
    drill.simulator.answers({"wording": "permission"})
    drill.provoked()
    drill.submit(drill.jobs(8))
    drill.sees("ApiRefusesEverybody", "api_retired")
    drill.simulator.behaves()
    said = drill.settle()
    drill.must("jobs test the holds now" in said, said)
    drill.is_well("hold lifted cause=api_retired")
    # The first four wait for five minutes, to see what becomes of their neighbours.
    later = drill.jobs(3)
    drill.submit(later)
    drill.await_left(later)


def alone(drill):
    """With one account nobody can tell whether it is the account or everybody."""
    drill.start()
    drill.simulator.answers({"wording": "permission"})
    drill.provoked()
    drill.submit(of_one_account(drill, 3))
    drill.sees("AccountAlone", "refused")
    status, said = drill.daemon.command("holds")
    drill.must("all its calls are refused" in said, said)
    drill.simulator.behaves()
    drill.mended()
    drill.settled_by = "leave-albumd resume --account"
    status, said = drill.daemon.command("resume", "--account", "alone")
    drill.must(status == 0, said)
    drill.is_well("the account goes on account=alone cause=refused")
    later = of_one_account(drill, 3)
    drill.submit(later)
    drill.await_left(later)


def of_one_account(drill, count):
    return [{**job, "account": "alone"} for job in drill.jobs(count)]


def down(drill):
    drill.start()
    drill.simulator.stop()
    drill.provoked()
    jobs = drill.jobs(8)
    drill.submit(jobs)
    drill.sees()
    drill.simulator.start()
    drill.settle()
    drill.is_well("hold lifted cause=api_unavailable")
    drill.await_left(jobs)


def slow(drill):
    drill.start(api={"timeout": "1s", "connect_timeout": "500ms"})
    drill.simulator.answers({"fault": "delay", "milliseconds": 4000}, method="leave")
    drill.provoked()
    jobs = drill.jobs(8)
    drill.submit(jobs)
    drill.sees()
    drill.simulator.behaves()
    drill.settle()
    drill.is_well("hold lifted cause=api_unavailable")
    drill.await_left(jobs)


def clock_jump(drill):
    offset = os.path.join(drill.room, "clock")
    set_clock(offset, 0)
    library = os.path.join(drill.room, "shifted_clock.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shifted_clock.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    drill.start({"LD_PRELOAD": library, "SHIFTED_CLOCK": offset}, limits={"requests_per_day": 1000})
    answers_with_its_time(drill)
    first = drill.jobs(1)
    drill.submit(first)
    drill.must(wait(lambda: any("job ended" in line for line in drill.daemon.log()), 30), "no job was done")
    drill.provoked()
    # Into another day, whatever the hour.
    set_clock(offset, 30 * 3600)
    # Two answers are believed, and others may be on their way by then: some jobs have to be left.
    jobs = drill.jobs(40)
    drill.submit(jobs)
    drill.sees()
    answers_with_its_time(drill)
    set_clock(offset, 0)
    drill.settle()
    drill.is_well("hold lifted cause=clock_suspect")
    drill.await_left(jobs)


def set_clock(path, seconds):
    with open(path + ".new", "w") as file:
        file.write(f"{seconds}\n")
    os.replace(path + ".new", path)


def answers_with_its_time(drill):
    """Success with the Date of now: the simulator gives none by itself."""
    drill.simulator.behaves()
    drill.simulator.answers({"wording": "empty"}, fields={"Date": email.utils.formatdate(usegmt=True)})
