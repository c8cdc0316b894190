"""A broker that goes and comes, and secrets that change."""
import time

from .report import Report
from .stopping import under_load
from .worker import Worker
from .working import whole

JOBS = 1000


def broker_down(worker: Worker, report: Report) -> None:
    report.scenario("the broker goes and comes back")
    ids, path = worker.batch(JOBS)
    # So that there is work left when the broker is gone.
    worker.slow(500)
    worker.submit(path)
    worker.await_calls(path, JOBS // 10)
    pid = worker.show("MainPID")
    worker.container.run("systemctl", "stop", "rabbitmq-server.service")
    began = time.monotonic()
    worker.slow(None)
    report.did(f"stopped with {len(worker.calls(path))} of {len(ids)} called")
    report.check("STATUS says connecting", *worker.await_status("^connecting", 30))
    status, body = worker.get("/readyz")
    report.check("/readyz is 503 connecting", (status, body.strip()) == (503, "connecting"), f"{status} {body}")
    report.check("/livez is 200", worker.get("/livez")[0] == 200, worker.get("/livez"))
    # Longer than the watchdog waits: a broker that is away is no reason to die.
    time.sleep(max(0, 40 - (time.monotonic() - began)))
    seen = worker.show("ActiveState", "MainPID", "NRestarts")
    report.check("after 40 s the unit is active, the process the same",
                 seen["ActiveState"] == "active" and seen["MainPID"] == pid, seen)
    took = worker.systemctl("stop")
    report.figure("stop while the broker is away, with jobs in flight", f"{took:.1f} s")
    seen = worker.show("ExecMainStatus", "Result")
    report.check("a stop meanwhile ends within worker.drain_timeout, with 0",
                 took < 35 and (seen["ExecMainStatus"], seen["Result"]) == ("0", "success"), f"{took:.1f} s, {seen}")
    took = worker.systemctl("start")
    found, text = worker.await_status("^connecting", 10)
    report.check("a start without a broker is READY at once, and says connecting",
                 took < 5 and found and worker.show("ActiveState") == "active", f"{took:.1f} s, {text}")
    worker.container.run("systemctl", "start", "rabbitmq-server.service")
    began = time.monotonic()
    found, text = worker.await_status("^consuming", 60)
    report.check("it consumes again by itself", found,
                 f"{time.monotonic() - began:.1f} s after the broker was up: {text}")
    done, summary = worker.await_left(path, len(ids))
    report.check("every user left", done, summary)
    calls = worker.calls(path)
    report.check("no job was called twice", max(calls.values()) == 1 and len(calls) == len(ids),
                 f"{sum(calls.values())} calls for {len(calls)} albums")


def broker_password(worker: Worker, report: Report) -> None:
    report.scenario("the broker's password is changed, under load")
    ids, path, submission = under_load(worker, JOBS)
    worker.broker("change_password", "leave-album-worker", "second-worker-password")
    worker.secret("broker-password", "second-worker-password")
    took = worker.systemctl("restart")
    worker.await_consuming()
    report.did(f"changed in RabbitMQ and in the credential's file, restarted in {took:.1f} s")
    whole(worker, report, ids, path, *worker.followed(submission))
    worker.broker("authenticate_user", "leave-album-worker", "second-worker-password")
    refused = worker.container.run(
        "rabbitmqctl", "authenticate_user", "leave-album-worker", "first-worker-password", check=False).returncode
    report.check("the old one is refused by the broker", refused != 0, f"authenticate_user ended with {refused}")


def client_secret(worker: Worker, report: Report) -> None:
    report.scenario("the OAuth client's secret is changed, the old one dead first")
    # Accounts whose access tokens nobody holds yet: each has to be asked for with the client's secret.
    worker.add_accounts([f"late{n}" for n in range(50)])
    worker.expect_client_secret("second-client-secret")
    ids, path = worker.batch(200, accounts=50, prefix="late")
    submission = worker.submit_and_follow(path)
    report.check("STATUS says what is wrong", *worker.await_status("on hold.*client_misconfigured", 60))
    status, body = worker.get("/readyz")
    report.check("/readyz says hold:client_misconfigured", (status, body.strip()) == (503, "hold:client_misconfigured"),
                 f"{status} {body}")
    report.check("no call is made meanwhile", not worker.calls(path), worker.calls(path))
    worker.secret("client-secret", "second-client-secret")
    worker.mark()
    took = worker.systemctl("restart")
    report.did(" | ".join(text for text in worker.messages() if "stop" in text.lower()))
    found, text = worker.await_status("^consuming", 60)
    report.check("with the new one it consumes", found, f"restart {took:.1f} s: {text}")
    whole(worker, report, ids, path, *worker.followed(submission))
