"""From a package file to a unit that works."""
import os
import stat

from testbed.waiting import wait

from .jobs import ACCOUNTS, SETTINGS
from .report import Report
from .unit import UNIT
from .worker import Worker


def fresh_install(worker: Worker, report: Report, deb: str) -> None:
    report.scenario("fresh install")
    container = worker.container
    inside = f"/var/tmp/{os.path.basename(deb)}"
    container.run("apt-get", "install", "-q", "-y", inside, environment={"DEBIAN_FRONTEND": "noninteractive"})
    linked = container.run("ldd", "/usr/bin/leave-albumd", "/usr/bin/photos-simulator").stdout
    report.check("every library is there", "not found" not in linked, linked if "not found" in linked else "")
    version = container.run("dpkg-query", "-W", "-f", "${Version}", "leave-albumd").stdout
    report.did(f"apt-get install of version {version}, {os.path.getsize(deb) // 1024} KiB")
    enabled = container.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip()
    report.check("the unit is enabled", enabled == "enabled", enabled)
    state = worker.show("ActiveState")
    report.check("and not running", state == "inactive", state)
    entry = container.run("getent", "passwd", "leave-albumd", check=False).stdout
    report.check("its user cannot log in", "nologin" in entry, entry)


def example_settings(worker: Worker, report: Report) -> None:
    report.scenario("start with the example's settings")
    worker.mark()
    worker.systemctl("start", check=False)
    wait(lambda: worker.show("ActiveState") == "failed", 20)
    # Longer than RestartSec, so that a loop would show.
    looped = wait(lambda: int(worker.show("NRestarts")) > 0, 8)
    seen = worker.show("ActiveState", "ExecMainStatus", "NRestarts")
    report.check("it fails with 78", seen["ExecMainStatus"] == "78" and seen["ActiveState"] == "failed", seen)
    report.check("systemd does not try again", not looped, seen["NRestarts"])
    own = [line for line in worker.lines() if line.get("_COMM") == "leave-albumd"]
    said = [line["MESSAGE"] for line in own]
    report.check("the journal says why in a sentence", any(len(text) > 40 for text in said), " | ".join(said))
    worker.container.run("systemctl", "reset-failed", UNIT)


def prepare(worker: Worker, report: Report) -> None:
    """Broker users of least permission, the simulator, grants, settings."""
    report.scenario("broker, API, grants and settings")
    worker.settings()
    secrets(worker, os.urandom(32).hex())
    prepare_broker(worker, report)
    worker.start_simulator()
    worker.expect_client_secret("first-client-secret")
    found = worker.albumd("check", check=False)
    report.check("`check` finds no fault in them", found.returncode == 0, found.stdout + found.stderr)


def secrets(worker: Worker, key: str) -> None:
    """`key`: what the users' grants are sealed with."""
    worker.secret("broker-password", "first-worker-password")
    worker.secret("operator-password", "operator-password-1")
    worker.secret("client-secret", "first-client-secret")
    worker.secret("store-key", key)


def prepare_broker(worker: Worker, report: Report) -> None:
    """The topology, and the two users with the passwords of `secrets`. Needs settings."""
    if not wait(lambda: worker.container.run("rabbitmqctl", "await_startup", check=False).returncode == 0, 120):
        raise RuntimeError("RabbitMQ does not start")
    report.did("RabbitMQ " + worker.broker("version").strip())
    worker.write("/var/tmp/definitions.json", worker.albumd("topology", "export").stdout, mode=0o644)
    worker.broker("import_definitions", "/var/tmp/definitions.json")
    worker.broker("change_password", "leave-album-worker", "first-worker-password")
    worker.broker("change_password", "leave-album-operator", "operator-password-1")


def first_start(worker: Worker, report: Report) -> None:
    report.scenario("first start")
    worker.mark()
    worker.systemctl("start")
    seen = worker.show("ActiveState", "StatusText", "Type", "WatchdogUSec",
                       "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    report.check("it is active", seen["ActiveState"] == "active", seen["ActiveState"])
    report.check("of type notify with a watchdog", seen["Type"] == "notify" and seen["WatchdogUSec"] != "0", seen)
    ready = int(seen["ActiveEnterTimestampMonotonic"])
    began = int(seen["InactiveExitTimestampMonotonic"])
    report.figure("start to READY, sandbox and credentials included", f"{(ready - began) / 1000:.0f} ms")
    found, text = worker.await_status("^consuming", 30)
    report.check("STATUS says that it consumes", found, text)
    worker.await_consuming()
    status, body = worker.get("/readyz")
    report.check("/readyz agrees", (status, body.strip()) == (200, "consuming"), f"{status} {body}")
    worker.add_accounts([f"user{n}" for n in range(ACCOUNTS)])
    report.did(f"imported grants of {ACCOUNTS} accounts as the daemon's user while it runs")


def sandbox(worker: Worker, report: Report) -> None:
    report.scenario("sandbox and permissions")
    container = worker.container
    report.figure("exposure by systemd-analyze security, of the running unit", exposure(worker, report))
    uid = int(container.run("id", "-u", "leave-albumd").stdout)
    gid = int(container.run("getent", "group", "leave-albumd").stdout.split(":")[2])
    for path, mode, kind in (("/var/lib/leave-albumd", 0o700, "directory"), ("/run/leave-albumd", 0o750, "directory"),
                             ("/run/leave-albumd/control.sock", 0o660, "socket"),
                             ("/var/lib/leave-albumd/ledger.sqlite3", 0o600, "file")):
        seen = container.run("stat", "-c", "%a %u %g", path, check=False).stdout.split()
        report.check(f"{path} is a {kind} of leave-albumd, {mode:o}", seen == [f"{mode:o}", str(uid), str(gid)], seen)
    held = os.stat(container.path("/etc/leave-albumd/credentials"))
    report.check("the secrets are root's alone", (stat.S_IMODE(held.st_mode), held.st_uid) == (0o700, 0),
                 f"{stat.S_IMODE(held.st_mode):o} {held.st_uid}")
    seen = container.run("stat", "-c", "%a %U %G", SETTINGS).stdout.strip()
    report.check("the settings are root's, for the group to read", seen == "640 root leave-albumd", seen)
    confined(worker, report)


def exposure(worker: Worker, report: Report) -> float:
    text = worker.container.run("systemd-analyze", "security", "--no-pager", UNIT, check=False).stdout
    overall = [line for line in text.splitlines() if "Overall exposure" in line]
    figure = float(overall[0].split(":")[1].split()[0]) if overall else 10.0
    report.check("exposure is at most 1.2", figure <= 1.2, overall)
    return figure


def confined(worker: Worker, report: Report) -> None:
    pid = worker.show("MainPID")
    with open(f"/proc/{worker.container.process_outside(int(pid))}/status") as file:
        status = dict(line.rstrip().split(":\t", 1) for line in file if ":\t" in line)
    confined = (status["CapEff"], status["NoNewPrivs"], status["Seccomp"])
    report.check("the process has no capability, no way to new ones, and a filter of system calls",
                 int(status["CapEff"], 16) == 0 and confined[1:] == ("1", "2"), confined)


def operators(worker: Worker, report: Report) -> None:
    report.scenario("operators")
    container = worker.container
    container.run("useradd", "--no-create-home", "--groups", "leave-albumd", "olga")
    container.run("useradd", "--no-create-home", "stranger")
    for verb in ("status", "holds", "quota"):
        done = container.run("runuser", "-u", "olga", "--", "leave-albumd", verb, check=False)
        report.check(f"a member of the group can run `{verb}`", done.returncode == 0, done.stdout + done.stderr)
    done = container.run("runuser", "-u", "stranger", "--", "leave-albumd", "status", check=False)
    report.check("nobody else can, and is told why", done.returncode in (77, 78) and "ermission" in done.stderr,
                 f"{done.returncode}: {done.stderr}")
