"""Upgrade, removal, purge."""
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable

from testbed.waiting import wait

from .container import Container
from .jobs import SETTINGS
from .report import Report
from .stopping import under_load
from .unit import UNIT
from .worker import SETTINGS_TEXT, Worker
from .working import whole

QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def upgrade(worker: Worker, report: Report, deb: str, previous: str | None, scratch: str) -> None:
    report.scenario("upgrade while it works")
    container = worker.container
    if previous:
        worker.mark()
        install(container, previous)
        newer = deb
        if not wait(worker.is_consuming, 30):
            seen = worker.show("ExecMainStatus")
            report.check("the previous package does not know the ledger, and says so with 78", seen == "78",
                         f"{seen}: {worker.last_lines()}")
            return
        report.check("the previous package works on the ledger that is there", True, version(container))
    else:
        newer = next_revision(deb, scratch)
        shutil.copy(newer, container.path("/var/tmp/"))
    before, pid = version(container), worker.show("MainPID")
    ids, path, submission = under_load(worker)
    install(container, newer)
    seen = worker.show("ActiveState", "MainPID")
    report.check(f"{before} → {version(container)}: restarted and active",
                 seen["ActiveState"] == "active" and seen["MainPID"] != pid, seen)
    with open(container.path(SETTINGS)) as file:
        report.check("the settings are as the administrator wrote them", file.read() == SETTINGS_TEXT)
    report.check("and have their owner and mode", *owned_settings(container))
    whole(worker, report, ids, path, *worker.followed(submission))


def moved_unit(worker: Worker, report: Report, deb: str, scratch: str) -> None:
    """From the layout of 0.1.0, whose unit was below /lib: that is /usr/lib, so the same file is old and new."""
    report.scenario("upgrade from a package whose unit is below /lib")
    container, link = worker.container, f"/etc/systemd/system/multi-user.target.wants/{UNIT}"
    older = with_unit_below_lib(deb, scratch)
    shutil.copy(older, container.path("/var/tmp/"))
    install(container, older)
    owned = container.run("dpkg-query", "-L", "leave-albumd").stdout.split()
    report.check("the older one has it there", f"/lib/systemd/system/{UNIT}" in owned, version(container))
    report.check("its unit is enabled", *enabled(container))
    report.check("and consumes", wait(worker.is_consuming, 60))
    pid = worker.show("MainPID")
    install(container, deb)
    owned = container.run("dpkg-query", "-L", "leave-albumd").stdout.split()
    report.check("the newer one has it below /usr/lib alone",
                 f"/usr/lib/systemd/system/{UNIT}" in owned and f"/lib/systemd/system/{UNIT}" not in owned,
                 version(container))
    report.check("the unit is still enabled", *enabled(container))
    target = container.run("readlink", "-e", link, check=False).stdout.strip()
    report.check("what it is wanted by finds the file", target == f"/usr/lib/systemd/system/{UNIT}", target)
    seen = worker.show("ActiveState", "MainPID")
    report.check("restarted and active", seen["ActiveState"] == "active" and seen["MainPID"] != pid, seen)
    report.check("and consumes", wait(worker.is_consuming, 60))


def install(container: Container, deb: str, *options: str) -> None:
    """Of a file that lies inside already."""
    container.run("apt-get", "install", "-q", "-y", "--allow-downgrades", *options,
                  f"/var/tmp/{os.path.basename(deb)}", environment=QUIET)


def enabled(container: Container) -> tuple[bool, str]:
    """Whether the unit is enabled, and what systemd says."""
    seen = container.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip()
    return seen == "enabled", seen


def owned_settings(container: Container) -> tuple[bool, str]:
    """Whether the settings are root's, for the group to read; and whose they are."""
    seen = container.run("stat", "-c", "%a %U %G", SETTINGS, check=False).stdout.strip()
    return seen == "640 root leave-albumd", seen


def version(container: Container) -> str:
    return container.run("dpkg-query", "-W", "-f", "${Version}", "leave-albumd").stdout


def next_revision(deb: str, scratch: str) -> str:
    """The same package under a higher version."""
    return repacked(deb, scratch, "next", "+next")


def with_unit_below_lib(deb: str, scratch: str) -> str:
    """The same package under a lower version, with the unit where that of 0.1.0 was."""
    def move(tree: str) -> None:
        below = os.path.join(tree, "lib/systemd")
        os.makedirs(below)
        shutil.move(os.path.join(tree, "usr/lib/systemd/system"), below)
        if not os.listdir(os.path.join(tree, "usr/lib/systemd")):
            os.rmdir(os.path.join(tree, "usr/lib/systemd"))
        sums = os.path.join(tree, "DEBIAN/md5sums")
        with open(sums) as file:
            text = file.read()
        with open(sums, "w") as file:
            file.write(text.replace(" usr/lib/systemd/system/", " lib/systemd/system/"))
    return repacked(deb, scratch, "older", "~older", move)


def repacked(
    deb: str, scratch: str, name: str, suffix: str, change: Callable[[str], object] = lambda tree: None
) -> str:
    """The package after a change of its tree, with a suffix to its version."""
    # A package may be changed in the same way for one worker and for two.
    folder = tempfile.mkdtemp(prefix=f"{name}.", dir=scratch)
    tree = os.path.join(folder, "tree")
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    change(tree)
    control = os.path.join(tree, "DEBIAN/control")
    with open(control) as file:
        text = file.read()
    with open(control, "w") as file:
        file.write(re.sub(r"^(Version: .*)$", rf"\1{suffix}", text, flags=re.MULTILINE))
    made = os.path.join(folder, f"leave-albumd_{name}.deb")
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, made], check=True, stdout=subprocess.DEVNULL)
    return made


def remove(worker: Worker, report: Report, deb: str) -> None:
    report.scenario("apt remove")
    container = worker.container
    pid = worker.container.process_outside(int(worker.show("MainPID")))
    container.run("apt-get", "remove", "-q", "-y", "leave-albumd", environment=QUIET)
    report.check("the daemon is stopped", not os.path.exists(f"/proc/{pid}"))
    kept = {path: os.path.exists(container.path(path)) for path in (
        SETTINGS, "/etc/leave-albumd/credentials/store-key", "/var/lib/leave-albumd/ledger.sqlite3")}
    report.check("settings, secrets and ledger stay", all(kept.values()), kept)
    gone = {path: not os.path.exists(container.path(path)) for path in ("/usr/bin/leave-albumd", "/run/leave-albumd")}
    report.check("program and runtime directory are gone", all(gone.values()), gone)
    install(container, deb)
    with open(container.path(SETTINGS)) as file:
        report.check("installed again, the settings are as they were", file.read() == SETTINGS_TEXT)
    report.check("and the unit is enabled", *enabled(container))
    container.run("systemctl", "disable", UNIT)
    install(container, deb, "--reinstall")
    is_enabled, seen = enabled(container)
    report.check("a unit that was disabled stays so", not is_enabled, seen)


def purge(worker: Worker, report: Report, deb: str) -> None:
    report.scenario("apt purge")
    container = worker.container
    container.run("apt-get", "purge", "-q", "-y", "leave-albumd", environment=QUIET)
    found = container.run("find", "/", "-xdev", "-path", "/proc", "-prune", "-o", "-path", "/var/tmp", "-prune", "-o",
                          "-iname", "*leave-albumd*", "-print", check=False).stdout.split()
    # The journal is the machine's; coming and going of units leaves links that name this one.
    report.check("nothing of it is left on the disk", not found, found)
    loaded = container.run("systemctl", "list-unit-files", "leave-albumd*", "--no-legend", check=False).stdout
    report.check("systemd does not know the unit", UNIT not in loaded, loaded)
    user = container.run("getent", "passwd", "leave-albumd", check=False).stdout
    report.check("the user stays, locked, as README.Debian says", "nologin" in user, user)
    install(container, deb)
    report.check("installed after a purge, the settings are root's, for the group to read", *owned_settings(container))
    report.check("and the unit is enabled", *enabled(container))
    container.run("apt-get", "purge", "-q", "-y", "leave-albumd", environment=QUIET)
