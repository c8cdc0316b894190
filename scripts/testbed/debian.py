"""Debian releases: where their packages are, and trees that are made of them."""
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

#: Its Release file is past its date now and then, and it has neither updates nor security of its own.
UNRELEASED = ("forky", "sid")
IN_TREE = Path(__file__).with_name("in-tree")


def own_suite() -> str:
    """This machine's."""
    with open("/etc/os-release") as file:
        for line in file:
            if line.startswith("VERSION_CODENAME="):
                return line.split("=", 1)[1].strip().strip('"')
    raise RuntimeError("/etc/os-release names no VERSION_CODENAME: this needs a Debian")


def sources(suite: str) -> list[str]:
    """What apt is to know of a suite: its updates and security too, from the mirrors that this machine's apt has its
    own suite from."""
    own = own_suite()
    wanted = {own, f"{own}-updates", f"{own}-security"}
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(SUITE) $(CODENAME) $(RELEASE) $(COMPONENT)",
         "Created-By: Packages"], capture_output=True, text=True, check=True).stdout
    lines = []
    for target in listed.splitlines():
        uri, *names, component = target.split()
        named = sorted(wanted.intersection(names), key=len)
        if named and component == "main" and (suite not in UNRELEASED or named[-1] == own):
            lines.append(f"deb {uri} {suite}{named[-1].removeprefix(own)} main")
    if not lines:
        raise RuntimeError(f"apt knows no repository of {own}: see apt-get indextargets")
    return sorted(set(lines))


def apt_options(suite: str) -> list[str]:
    """mmdebstrap's for that suite, with a proxy that this machine's apt goes through."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    options = [f"--aptopt={line}" for line in dump.splitlines() if "::Proxy " in line and line.startswith("Acquire::")]
    if suite in UNRELEASED:
        options.append('--aptopt=Acquire::Check-Valid-Until "false"')
    return options


def without_versions(dependencies: str) -> str:
    """What a control file depends on, in any version."""
    return ", ".join(sorted(re.sub(r" *\([^)]*\)", "", dependencies).split(", ")))


def inside(
    tree: Path | str, words: Sequence[object], bind: Sequence[Path | str] = (), read: Sequence[Path | str] = ()
) -> list[str]:
    """The command that becomes a program of a tree, which sees these folders at their own paths, the second ones to
    read only; the first may lie in those. As root."""
    folders = [word for option, paths in (("--read", read), ("--bind", bind)) for path in paths
               for word in (option, str(path))]
    return [str(IN_TREE), str(tree), *folders, "--", *map(str, words)]
