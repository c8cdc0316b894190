"""Debian releases as trees, made once and kept."""
import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from testbed import debian, programs

#: Each brings another RabbitMQ, librabbitmq and PostgreSQL than the one before.
SUITES = ("bookworm", "trixie", "forky")
#: Of which a package is made: those that are released.
RELEASED = SUITES[:2]
#: What the columns of the matrix differ in: title → the package that has its version.
DIFFERENCES = {"librabbitmq": "librabbitmq4", "PostgreSQL": "postgresql", "libcurl": "libcurl4-openssl-dev",
               "SQLite": "libsqlite3-dev"}


#: What the broker's programs need, and no script of a package has to run for.
BROKER_PACKAGES = ("rabbitmq-server", "base-files", "bash", "coreutils", "dash", "grep", "mawk", "procps", "sed",
                   "util-linux")
#: Beside what scripts/install-dependencies names to build with: what tests of a tree run, the toolchain needs, and the
#: package's makers.
WHOLE_PACKAGES = ("rabbitmq-server", "postgresql", "openssl", "curl", "sqlite3", "python3", "procps",
                  "ca-certificates", "libncurses6", "libxml2-dev", "git", "lintian")


def broker_tree(cache: Path, suite: str) -> Path:
    """A tree whose broker runs, and that is no more than unpacked."""
    place, draft = _tree(cache, suite, "broker", BROKER_PACKAGES, "--variant=extract")
    if draft:
        for name in ("bin", "sbin", "lib", "lib64"):
            if not (draft / name).exists():
                (draft / name).symlink_to(f"usr/{name}")
        for name in ("proc", "dev", "tmp", "root", "run"):
            (draft / name).mkdir(exist_ok=True)
        if not (draft / "usr/bin/awk").exists():
            (draft / "usr/bin/awk").symlink_to("mawk")
        (draft / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        draft.rename(place)
    return place


def whole_tree(cache: Path, suite: str) -> Path:
    """A tree that builds the source, with broker, database and every library."""
    place, draft = _tree(
        cache, suite, "whole", [*WHOLE_PACKAGES, *build_packages()], "--variant=minbase",
        # Nothing of it has to outlast a power cut.
        "--dpkgopt=force-unsafe-io")
    if draft:
        draft.rename(place)
    return place


def build_packages() -> list[str]:
    """Those of scripts/install-dependencies."""
    text = (programs.ROOT / "scripts/install-dependencies").read_text()
    return re.search(r"^build=\(([^)]*)\)", text, re.MULTILINE).group(1).split()


def _tree(
    cache: Path, suite: str, kind: str, packages: Sequence[str], *options: str
) -> tuple[Path, Path | None]:
    """Where a tree is to be; and if it is not there, what was made, which needs root, the network and some minutes."""
    sources = debian.sources(suite)
    key = hashlib.sha256("\n".join([*sorted(packages), *options, *sources]).encode()).hexdigest()[:8]
    place = cache / f"{suite}-{kind}-{key}"
    if place.is_dir():
        return place, None
    cache.mkdir(parents=True, exist_ok=True)
    draft = cache / f"{place.name}.draft"
    _discard(draft)
    log = cache / f"{place.name}.log"
    with open(log, "w") as output:
        status = subprocess.run(
            ["mmdebstrap", "--mode=root", *options, f"--include={','.join(sorted(packages))}",
             *debian.apt_options(suite), suite, str(draft), *sources],
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        _discard(draft)
        raise RuntimeError(f"mmdebstrap ended with {status}: {log.read_text()[-1500:]}")
    draft.chmod(0o755)
    return place, draft


def _discard(draft: Path) -> None:
    """A tree that was not finished, in which something may be mounted still if its maker was killed."""
    with open("/proc/self/mounts") as file:
        mounted = [line.split()[1] for line in file if line.split()[1].startswith(f"{draft}/")]
    for place in sorted(mounted, reverse=True):
        subprocess.run(["umount", place], check=True)
    if draft.exists():
        shutil.rmtree(draft)


def broker_versions(place: Path) -> dict[str, str]:
    """Of a tree that is unpacked only, of which dpkg knows nothing."""
    server = next((place / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    erlang = next(path for path in (place / "usr/lib/erlang/releases").iterdir() if path.name.isdecimal())
    return {"RabbitMQ": server.name.partition("-")[2], "Erlang": erlang.name}


def library_versions(place: Path) -> dict[str, str]:
    """Without epoch and Debian's revision."""
    def version(package: str) -> str:
        shown = subprocess.run(
            ["dpkg-query", f"--admindir={place}/var/lib/dpkg", "-W", "-f", "${Version}", package],
            capture_output=True, text=True, check=True).stdout
        return re.sub(r"^\d+:|[-+].*$", "", shown)
    return {title: version(package) for title, package in DIFFERENCES.items()}
