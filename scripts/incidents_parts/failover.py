"""The database of daemons that share a ledger fails over to a standby that follows asynchronously."""
import json
import signal

from testbed.database import Database
from testbed.roles import DATABASE
from testbed.standby import Standby
from testbed.waiting import eventually, wait

from .cluster import add, leave_some, prepare
from .incident import incident
from .scenario import Scenario

#: That it has been looks back an hour.
LASTING = ("LeaveAlbumLedgerFailover", "LeaveAlbumLostCommits")


def share_two(scenario: Scenario) -> tuple[Database, Standby]:
    """Two daemons that know a primary and its standby, no commit of which waits for the other."""
    primary = prepare(scenario)
    standby = Standby(primary, scenario.directory / "standby")
    scenario.at_end(lambda: Database.end(standby))
    standby.start()
    primary.run("ALTER SYSTEM SET synchronous_standby_names = ''")
    primary.run("SELECT pg_reload_conf()")
    url = primary.worker_url.replace(f":{primary.port}/", f":{primary.port},127.0.0.1:{standby.port}/")
    for daemon in [scenario.daemon, add(scenario, primary, "second")]:
        daemon.stop()
        daemon.write(ledger={**daemon.settings["ledger"], "url": url})
        daemon.start()
        daemon.await_consuming()
    scenario.watch()
    scenario.must(scenario.awaits_metric("leave_album_ledger_timeline 1"), "the database is not asked how it is")
    scenario.must(scenario.prometheus.has_seen(3), "nobody has seen them before")
    return primary, standby


def promote(primary: Database, standby: Standby) -> None:
    primary.kill()
    standby.run("SELECT pg_promote()")


@incident("failover")
def failover(scenario: Scenario) -> None:
    """One daemon stands still, and is waited for until it counts as dead."""
    primary, standby = share_two(scenario)
    second = scenario.others[0]
    scenario.provoked()
    second.process.send_signal(signal.SIGSTOP)
    scenario.before_end(lambda: second.process.send_signal(signal.SIGCONT))
    promote(primary, standby)
    scenario.sees(seconds=180)
    scenario.settle()
    leave_some(scenario)
    scenario.is_well(lasting=LASTING)


@incident("lost-commits")
def lost_commits(scenario: Scenario) -> None:
    """The standby hears nothing more, and the primary ends with the results of some jobs."""
    primary, standby = share_two(scenario)
    standby.run("ALTER SYSTEM SET primary_conninfo = ''")
    standby.run("SELECT pg_reload_conf()")
    eventually("the standby hears nothing", lambda: standby.run("SELECT count(*) FROM pg_stat_wal_receiver") == "0")
    scenario.provoked()
    jobs = scenario.jobs(5)
    scenario.submit(jobs)
    scenario.await_left(jobs)
    promote(primary, standby)
    scenario.sees(seconds=180)
    file = scenario.directory / "jobs.jsonl"
    file.write_text("".join(json.dumps({"jobId": job["jobId"]}) + "\n" for job in jobs))
    scenario.settle(FILE=str(file))
    # Who was called for before is not called for again.
    scenario.submit(jobs)
    leave_some(scenario)
    left = standby.run("SELECT count(*) FROM leave_album.jobs WHERE finished", DATABASE)
    scenario.must(wait(lambda: int(left) >= len(jobs), 1), f"{left} jobs are known to have ended")
    scenario.is_well(lasting=LASTING)
