"""What only daemons that share a ledger can meet."""
import os
import shlex
import time
from collections.abc import Mapping

from testbed import processes
from testbed.clock import Clock
from testbed.daemon import write_private
from testbed.database import Database
from testbed.lines import json_lines
from testbed.roles import DATABASE, SUPERUSER, WORKER
from testbed.simulator import grant
from testbed.waiting import wait

from .daemon import Daemon
from .incident import incident
from .scenario import Failed, Scenario

API = {"timeout": "3s", "connect_timeout": "1s"}


def share(scenario: Scenario, environment: Mapping[str, str] | None = None) -> Database:
    """The scenario's daemon and another one, over one database, and a Prometheus that has seen both.
    `environment`: of the other one."""
    database = prepare(scenario)
    scenario.daemon.start()
    scenario.daemon.await_consuming()
    add(scenario, database, "second", environment)
    scenario.watch()
    return database


def prepare(scenario: Scenario) -> Database:
    """A database with a ledger, and a daemon that is not started."""
    database = Database(scenario.directory / "database")
    scenario.at_end(database.end)
    database.start()
    database.prepare()
    database.password_file(scenario.directory)
    scenario.prepare_daemon(ledger=ledger(scenario, database, "first"), api=API)
    scenario.daemon.order("ledger", "declare", "--url", database.owner_url, "--worker-role", WORKER)
    return database


def ledger(scenario: Scenario, database: Database, instance: str) -> dict:
    return {"url": database.worker_url, "password_file": str(scenario.directory / "database-password"),
            "instance": instance, "send_window": "1s", "grace": "1s"}


def add(
    scenario: Scenario, database: Database, name: str, environment: Mapping[str, str] | None = None
) -> Daemon:
    daemon = scenario.make_daemon(name, dict(environment or {}), ledger=ledger(scenario, database, name), api=API)
    scenario.others.append(daemon)
    daemon.start()
    daemon.await_consuming()
    return daemon


def administer(scenario: Scenario, database: Database, **placeholders: object) -> None:
    """Gives the page's command, which is one of psql's, to the database. A placeholder stands in its SQL."""
    command = scenario.page.command
    scenario.settled_by = command
    scenario.mended()
    for name, value in placeholders.items():
        command = command.replace(name, str(value))
    words = shlex.split(command)
    if words[0] != "psql":
        raise Failed(f"{command} is not the database's")
    for option, sql in zip(words, words[1:]):
        if option == "-c":
            database.run(sql, DATABASE)


@incident("worker-gone", "killed")
def worker_gone(scenario: Scenario) -> None:
    share(scenario)
    second = scenario.others[0]
    scenario.must(scenario.awaits_metric('leave_album_instances{state="working"} 2'), "they do not know of each other")
    # What is alerted of is a difference to what was.
    scenario.must(scenario.prometheus.has_seen(3), "nobody has seen both at work")
    scenario.provoked()
    second.kill()
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    scenario.sees("MemberGone", "instances")
    scenario.await_left(jobs)
    scenario.settle(second)
    second.await_consuming()
    scenario.is_well()


@incident("standby-missing")
def standby_missing(scenario: Scenario) -> None:
    """Whoever takes the log alone is a standby to the server."""
    database = share(scenario)
    copy = scenario.directory / "copy"
    copy.mkdir()
    scenario.provoked()
    standby = processes.spawn(
        [database.programs / "pg_receivewal", "--synchronous", "-D", copy, "-h", database.sockets, "-p",
         str(database.port), "-U", SUPERUSER], scenario.directory / "standby.out")
    # The server waits at its end for what a standby has not received.
    scenario.before_end(lambda: processes.end(standby))
    scenario.sees()
    administer(scenario, database)
    scenario.must(scenario.awaits_metric('leave_album_ledger_replication{mode="synchronous"} 1'),
                  "no standby is synchronous")
    leave_some(scenario)
    scenario.is_well()


@incident("xmin-held", is_long=True)
def xmin_held(scenario: Scenario) -> None:
    """Somebody's session with a snapshot, and as many minutes as the alert wants."""
    database = share(scenario)
    scenario.must(scenario.awaits_metric("leave_album_ledger_timeline 1"), "the database is not asked how it is")
    scenario.provoked()
    session = processes.spawn(
        [database.programs / "psql", "-h", database.sockets, "-p", str(database.port), "-U", SUPERUSER, "-d", DATABASE,
         "-c", "BEGIN ISOLATION LEVEL REPEATABLE READ", "-c", "SELECT 1", "-c", "SELECT pg_sleep(3600)"],
        scenario.directory / "session.out")
    scenario.before_end(lambda: processes.end(session))
    scenario.sees(seconds=480)
    found = database.run(
        "SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() "
        f"AND datname = '{DATABASE}' ORDER BY xact_start LIMIT 1")
    administer(scenario, database, PID=found)
    scenario.must(wait(lambda: session.poll() is not None, 30), "another session was the oldest")
    leave_some(scenario)
    scenario.is_well()


@incident("clock-jump", "the database's")
def clock_offset(scenario: Scenario) -> None:
    clock = Clock(scenario.directory)
    share(scenario, clock.environment)
    second = scenario.others[0]
    scenario.provoked()
    clock.set(20)
    scenario.sees("ClockOffset", "clock_offset", of=second)
    # Nobody waits for that, and no job is early or late.
    leave_some(scenario)
    scenario.settled_by = "the clock set right"
    scenario.mended()
    clock.set(0)
    scenario.is_well()


@incident("split-brain", "two kinds of ledger")
def other_ledger(scenario: Scenario) -> None:
    """Nobody consumes when the one with a file comes, so that neither kind sees the other at its start."""
    share(scenario)
    scenario.daemon.command("pause")
    scenario.must(wait(lambda: all("operator_paused" in daemon.status for daemon in [scenario.daemon, *scenario.others]),
                       30), "not all are paused")
    scenario.provoked()
    third = scenario.add_daemon("third")
    third.await_consuming()
    scenario.sees("OtherLedger", "other_ledger", seconds=180)
    # What was paused does not begin beside it. Whether all have heard that in time is not what this is about.
    scenario.daemon.command("resume")
    scenario.must(wait(lambda: "other_ledger" in scenario.daemon.status, 30), f"STATUS is {scenario.daemon.status}")
    scenario.settle(third)
    scenario.is_well("hold lifted cause=other_ledger")
    leave_some(scenario)


@incident("grant-lost")
def grant_lost(scenario: Scenario) -> None:
    """Killed between the token endpoint's answer and its commit."""
    prepare(scenario)
    daemon = scenario.daemon
    key = write_private(scenario.directory / "key", os.urandom(32).hex() + "\n")
    secret = write_private(scenario.directory / "client-secret", "secret\n")
    daemon.write(credentials={"providers": ["store"]}, **{"credentials.store": {
        "backend": "ledger", "key_file": str(key), "client_id": "scenario.apps.example",
        "client_secret_file": str(secret), "token_url": f"{scenario.simulator.url}/token"}})
    jobs = scenario.jobs(1)
    sign_in(scenario, jobs[0]["account"], "first")
    daemon.start()
    daemon.await_consuming()
    scenario.watch()
    # It has rotated when it is asked, and answers later.
    scenario.simulator.answers({"fault": "delay", "milliseconds": 2_500}, method="token")
    scenario.provoked()
    scenario.submit(jobs)
    journal = scenario.simulator.journal
    scenario.must(wait(lambda: journal.exists() and '"refreshed"' in journal.read_text(), 30, every=0.02),
                  "the token endpoint was not asked")
    daemon.kill()
    scenario.simulator.behaves()
    daemon.start()
    daemon.await_consuming()
    scenario.sees()
    sign_in(scenario, jobs[0]["account"], "second")
    # As long as a refusal is believed without asking again.
    time.sleep(31)
    said = scenario.settle()
    scenario.must("1 run again" in said, said)
    scenario.await_left(jobs)
    scenario.is_well(lasting=["LeaveAlbumLostGrants"])


def sign_in(scenario: Scenario, account: str, token: str) -> None:
    """The user's grant: each refresh token is good for once."""
    made = grant(account, refreshToken=f"{token}-of-{account}")
    scenario.simulator.arrange("grants", {**made, "rotate": True, "strict": True})
    scenario.daemon.order("credentials", "import", text=json_lines([made]))


def leave_some(scenario: Scenario) -> None:
    jobs = scenario.jobs(3)
    scenario.submit(jobs)
    scenario.await_left(jobs)
