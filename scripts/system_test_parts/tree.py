"""The Debian tree that a container boots from, made once and kept as an archive."""

import hashlib
import os
import subprocess

from testbed import debian

# The least that boots, a broker, and what a server has anyway: D-Bus for logind and systemd-run.
PACKAGES = ["systemd-sysv", "dbus", "libpam-systemd", "rabbitmq-server", "procps", "adduser", "ca-certificates"]
# The same for a host that has a database and no daemon.
DATABASE_PACKAGES = ["systemd-sysv", "dbus", "libpam-systemd", "postgresql", "procps", "adduser"]


def archive(cache: str, suite: str, dependencies: str, packages: list[str] = PACKAGES) -> str:
    """The path of an archive of a tree of that Debian with `packages`, in which `dependencies`, as a package's control
    file writes them, are met; made if it is not in `cache`. Making it needs the network and some minutes, or one."""
    # Without versions, so that a rebuilt package finds its tree again. A tree that is too old makes apt refuse the
    # package in it, and tell what it lacks.
    dependencies = debian.without_versions(dependencies)
    sources = debian.sources(suite)
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
               *debian.apt_options(suite), suite, part, *sources]
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
