"""What only daemons that share a ledger can meet."""

from testbed.database import WORKER, Database

from .incident import incident
from .scenario import Scenario


def share(scenario: Scenario) -> None:
    """The scenario's daemon and another one, over one database, and a Prometheus that has seen both."""
    database = Database(scenario.directory / "database")
    scenario.at_end(database.end)
    database.start()
    database.prepare()
    password = str(database.password_file(scenario.directory))

    def ledger(instance: str) -> dict:
        return {"url": database.worker_url, "password_file": password, "instance": instance,
                "send_window": "1s", "grace": "1s"}
    scenario.prepare_daemon(ledger=ledger("first"), api={"timeout": "3s", "connect_timeout": "1s"})
    scenario.daemon.order("ledger", "declare", "--url", database.owner_url, "--worker-role", WORKER)
    scenario.daemon.start()
    scenario.daemon.await_consuming()
    scenario.add_daemon(
        "second", ledger=ledger("second"), api={"timeout": "3s", "connect_timeout": "1s"}).await_consuming()
    scenario.watch()


@incident("worker-gone")
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
    scenario.sees()
    scenario.await_left(jobs)
    scenario.settle(second)
    second.await_consuming()
    scenario.is_well()
