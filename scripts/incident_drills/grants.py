"""Users' grants are revoked; the token endpoint refuses the daemon."""

import json
import os
import time


def revoked(drill):
    start(drill)
    jobs = drill.jobs(14)
    import_grants(drill, jobs)
    drill.simulator.arrange("grants", *({"refreshToken": f"rt-{job['account']}", "revoked": True} for job in jobs))
    drill.provoked()
    drill.submit(jobs)
    drill.sees("LeaveAlbumGrantsRevoked", "reason=grant_revoked", "revoked")
    import_grants(drill, jobs)
    # As long as a refusal is believed without asking again.
    time.sleep(31)
    said = drill.settle()
    drill.must("14 run again" in said, said)
    drill.is_well(lasting=["LeaveAlbumGrantsRevoked"])
    drill.await_left(jobs)


def refused(drill):
    start(drill)
    jobs = drill.jobs(4)
    import_grants(drill, jobs)
    drill.simulator.arrange("client", {"secrets": ["second"]})
    drill.provoked()
    drill.submit(jobs)
    drill.sees("client_misconfigured", "ClientMisconfigured")
    write(secret(drill), "second")
    drill.settled_by = "systemctl restart leave-albumd, with the new secret"
    drill.mended()
    drill.daemon.systemctl(["restart"])
    drill.is_well("hold lifted cause=client_misconfigured")
    drill.await_left(jobs)


def start(drill):
    write(secret(drill), "first")
    key = os.path.join(drill.room, "key")
    write(key, os.urandom(32).hex())
    store = os.path.join(drill.room, "grants")
    os.mkdir(store, 0o700)
    drill.start_daemon(
        credentials={"providers": ["static"]},
        credentials__store={
            "directory": store, "key_file": key, "client_id": "drill.apps.example",
            "client_secret_file": secret(drill), "token_url": "http://127.0.0.1:1/token"})
    # The simulator is the token endpoint too, and its port is known only now.
    drill.daemon.stop()
    drill.daemon.write(credentials={"providers": ["store"]},
                       **{"credentials.store": {"token_url": f"{drill.simulator.url}/token"}})
    drill.simulator.arrange("client", {"secrets": ["first"]})
    drill.daemon.start()
    drill.daemon.await_consuming()
    drill.watch()


def secret(drill):
    return os.path.join(drill.room, "client-secret")


def write(path, text):
    with open(path, "w") as file:
        file.write(text + "\n")
    os.chmod(path, 0o600)


def import_grants(drill, jobs):
    accounts = [job["account"] for job in jobs]
    drill.simulator.arrange("grants", *({"refreshToken": f"rt-{name}", "account": name} for name in accounts))
    lines = "".join(json.dumps({"account": name, "refreshToken": f"rt-{name}"}) + "\n" for name in accounts)
    status, said = drill.daemon.command("credentials", "import", text=lines)
    drill.must(status == 0, f"credentials import: {said}")
