"""Users' grants are revoked; the token endpoint refuses the daemon."""

import os
import time

from testbed.daemon import write_private
from testbed.lines import json_lines
from testbed.simulator import grant

from .incident import incident
from .scenario import Scenario


@incident("grant-revoked", "grants")
def revoked(scenario: Scenario) -> None:
    start(scenario)
    jobs = scenario.jobs(14)
    import_grants(scenario, jobs)
    scenario.simulator.arrange("grants", *(grant(job["account"], revoked=True) for job in jobs))
    scenario.provoked()
    scenario.submit(jobs)
    scenario.sees("LeaveAlbumGrantsRevoked", "reason=grant_revoked", "revoked")
    import_grants(scenario, jobs)
    # As long as a refusal is believed without asking again.
    time.sleep(31)
    said = scenario.settle()
    scenario.must("14 run again" in said, said)
    scenario.is_well(lasting=["LeaveAlbumGrantsRevoked"])
    scenario.await_left(jobs)


@incident("grant-revoked", "daemon refused")
def refused(scenario: Scenario) -> None:
    start(scenario)
    jobs = scenario.jobs(4)
    import_grants(scenario, jobs)
    scenario.simulator.arrange("client", {"secrets": ["second"]})
    scenario.provoked()
    scenario.submit(jobs)
    scenario.sees("client_misconfigured", "ClientMisconfigured")
    write_private(scenario.directory / "client-secret", "second\n")
    scenario.settled_by = "systemctl restart leave-albumd, with the new secret"
    scenario.mended()
    scenario.daemon.systemctl(["restart"])
    scenario.is_well("hold lifted cause=client_misconfigured")
    scenario.await_left(jobs)


def start(scenario: Scenario) -> None:
    secret = write_private(scenario.directory / "client-secret", "first\n")
    key = write_private(scenario.directory / "key", os.urandom(32).hex() + "\n")
    store = scenario.directory / "grants"
    store.mkdir(0o700)
    scenario.start_daemon(
        credentials={"providers": ["static"]},
        credentials__store={
            "directory": str(store), "key_file": str(key), "client_id": "scenario.apps.example",
            "client_secret_file": str(secret), "token_url": "http://127.0.0.1:1/token"})
    # The simulator is the token endpoint too, and its port is known only now.
    scenario.daemon.stop()
    scenario.daemon.write(credentials={"providers": ["store"]},
                       **{"credentials.store": {"token_url": f"{scenario.simulator.url}/token"}})
    scenario.simulator.arrange("client", {"secrets": ["first"]})
    scenario.daemon.start()
    scenario.daemon.await_consuming()
    scenario.watch()


def import_grants(scenario: Scenario, jobs: list[dict]) -> None:
    grants = [grant(job["account"]) for job in jobs]
    scenario.simulator.arrange("grants", *grants)
    scenario.daemon.order("credentials", "import", text=json_lines(grants))
