"""The Debian tree that a container boots from, made once and kept as an archive."""

import hashlib
import os
import re
import subprocess

# The least that boots, a broker, and what a server has anyway: D-Bus for logind and systemd-run.
PACKAGES = ["systemd-sysv", "dbus", "libpam-systemd", "rabbitmq-server", "procps", "adduser", "ca-certificates"]
# The same for a host that has a database and no daemon.
DATABASE_PACKAGES = ["systemd-sysv", "dbus", "libpam-systemd", "postgresql", "procps", "adduser"]


def archive(cache: str, dependencies: str, packages: list[str] = PACKAGES) -> str:
    """The path of an archive of a tree of this machine's Debian with `packages`, in which `dependencies`, as a
    package's control file writes them, are met; made if it is not in `cache`. Making it needs the network and some
    minutes, or one."""
    # Without versions, so that a rebuilt package finds its tree again. A tree that is too old makes apt refuse the
    # package in it, and tell what it lacks.
    dependencies = ", ".join(sorted(re.sub(r" *\([^)]*\)", "", dependencies).split(", ")))
    suite = _suite()
    sources = _sources(suite)
    key = hashlib.sha256("\n".join([suite, dependencies, *packages, *sources]).encode()).hexdigest()[:16]
    path = os.path.join(cache, f"{suite}-{key}.tar")
    if os.path.exists(path):
        return path
    os.makedirs(cache, exist_ok=True)
    part = f"{path}.part"
    # The container has no network: what the package needs must be there before it boots.
    satisfy = 'chroot "$1" apt-get -q -y --no-install-recommends satisfy "$TREE_DEPENDENCIES"'
    command = ["mmdebstrap", "--quiet", "--format=tar", "--variant=minbase", "--mode=root",
               f"--include={','.join(packages)}", *([f"--customize-hook={satisfy}"] if dependencies else []),
               *_apt_options(), suite, part, *sources]
    log = os.path.join(cache, "mmdebstrap.log")
    with open(log, "w") as output:
        environment = dict(os.environ, TREE_DEPENDENCIES=dependencies)
        maker = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            status = maker.wait()
        finally:
            if maker.poll() is None:
                # It removes what it has built so far, and unmounts it.
                maker.terminate()
                maker.wait()
            if maker.returncode != 0 and os.path.exists(part):
                os.remove(part)
    if status != 0:
        with open(log) as output:
            raise RuntimeError(f"mmdebstrap ended with {status}: {output.read()[-2000:]}")
    os.rename(part, path)
    return path


def unpack(path: str, directory: str) -> None:
    """The archive as a tree of its own."""
    os.makedirs(directory)
    subprocess.run(["tar", "--numeric-owner", "-C", directory, "-xf", path], check=True)


def _suite() -> str:
    with open("/etc/os-release") as file:
        for line in file:
            if line.startswith("VERSION_CODENAME="):
                return line.split("=", 1)[1].strip().strip('"')
    raise RuntimeError("/etc/os-release names no VERSION_CODENAME: the scenarios need a Debian")


def _sources(suite: str) -> list[str]:
    """What this machine's apt has of the suite: its updates and security too, from the same mirrors."""
    wanted = {suite, f"{suite}-updates", f"{suite}-security"}
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE) $(CODENAME) $(RELEASE) $(COMPONENT)",
         "Created-By: Packages"], capture_output=True, text=True, check=True).stdout
    lines = []
    for target in listed.splitlines():
        uri, *names, component = target.split()
        named = wanted.intersection(names)
        if named and component == "main":
            lines.append(f"deb {uri} {sorted(named, key=len)[-1]} main")
    if not lines:
        raise RuntimeError(f"apt knows no repository of {suite}: see apt-get indextargets")
    return sorted(set(lines))


def _apt_options() -> list[str]:
    """A proxy that this machine's apt goes through."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return [f"--aptopt={line}" for line in dump.splitlines() if "::Proxy " in line and line.startswith("Acquire::")]
