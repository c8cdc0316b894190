"""What a cell has: the tree of its release, the programs of this checkout, a folder of its own, a log."""
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from testbed import debian, node, programs

from . import releases

#: The bundle of all tests, which is what `swift test` runs.
BUNDLE = "leave-albumdPackageTests.xctest"


class Stage:
    """`built`: the folder of this machine's debug build."""

    def __init__(self, cache: Path, suite: str, built: Path, log: Path):
        self.suite, self.built, self.log = suite, built, log
        self._cache = cache
        #: For what a trial starts, and mounts into the tree.
        self.directory = Path(tempfile.mkdtemp(prefix="matrix."))

    @cached_property
    def broker_tree(self) -> Path:
        return releases.broker_tree(self._cache / "trees", self.suite)

    @property
    def previous_broker_tree(self) -> Path:
        """Of the release before."""
        before = releases.SUITES[releases.SUITES.index(self.suite) - 1]
        return releases.broker_tree(self._cache / "trees", before)

    @cached_property
    def whole_tree(self) -> Path:
        return releases.whole_tree(self._cache / "trees", self.suite)

    @property
    def kept(self) -> Path:
        """A folder of this release that stays from one run to the next."""
        place = self._cache / "kept" / self.suite
        place.mkdir(parents=True, exist_ok=True)
        return place

    @property
    def with_broker(self) -> dict[str, str]:
        """What lets tests and scripts of this machine start the tree's broker."""
        return {node.TREE_VARIABLE: str(self.broker_tree)}

    def versions(self) -> dict[str, str]:
        """Of what the trees have that this trial has asked for: title → version."""
        found = {}
        if "broker_tree" in self.__dict__:
            found |= releases.broker_versions(self.broker_tree)
        if "whole_tree" in self.__dict__:
            found |= releases.library_versions(self.whole_tree)
        return found

    def end(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *words: object, environment: Mapping[str, str] | None = None, check: bool = True) -> str:
        """Runs a program from the top of the checkout. What it prints goes to the log; gives it too. A status other
        than 0 is an error with `check`."""
        with open(self.log, "ab") as sink:
            sink.write(f"$ {' '.join(map(str, words))}\n".encode())
            sink.flush()
            start = sink.tell()
            status = subprocess.run(
                [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                cwd=programs.ROOT, env={**os.environ, **(environment or {})}).returncode
        with open(self.log, "rb") as source:
            source.seek(start)
            said = source.read().decode(errors="replace")
        if check and status != 0:
            raise RuntimeError(f"{Path(str(words[0])).name} ended with {status}: {said.strip()[-300:]}")
        return said

    def run_inside(self, *words: object, environment: Mapping[str, str] | None = None, **named) -> str:
        """Runs a program of the tree, or one of this checkout in it: with the tree's libraries."""
        variables = {"PATH": f"{toolchain()}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(self.directory),
                     "LANG": "C.UTF-8", "TMPDIR": str(self.directory), **(environment or {})}
        pairs = [f"{name}={value}" for name, value in variables.items()]
        return self.run(*debian.inside(
            self.whole_tree, ["/usr/bin/env", "-i", "-C", str(programs.ROOT), *pairs, *words],
            bind=[self.directory, self.kept], read=[programs.ROOT, toolchain()]), **named)

    def lend(self, program: Path) -> list[str]:
        """Puts into the whole tree what that program of this machine's build needs and the release no longer has; gives
        the names of all that was put there."""
        own = dict(re.findall(r"^\s*(\S+) => (/\S+)", self.run("ldd", program), re.MULTILINE))
        copied: set[str] = set()
        # What is copied may need others, which nobody looked for before it was there.
        while missing := set(re.findall(
                r"^\s*(\S+) => not found", self.run_inside("ldd", program), re.MULTILINE)) - copied:
            for name in missing:
                shutil.copy(own[name], self.whole_tree / "usr/lib" / name)
            copied |= missing
        return lent(self.run_inside("ldd", program))

    def note(self, text: str) -> None:
        with open(self.log, "a") as sink:
            sink.write(f"{text}\n")


def toolchain() -> Path:
    """The folder of the compiler, whose runtime the programs of a debug build find there."""
    return Path(os.path.realpath(shutil.which("swift") or "/usr/bin/swift")).parents[2]


def lent(said: str) -> list[str]:
    """The libraries that stand right in /usr/lib, by what ldd says: Debian's own are in a folder of the architecture."""
    return re.findall(r"^\s*\S+ => (?:/usr)?/lib/([^/\s]+) ", said, re.MULTILINE)


def tests_passed(said: str) -> int:
    """How many tests a run of Swift Testing had. Raises if it did not pass, or had none."""
    found = re.findall(r"Test run with (\d+) tests?.* (passed|failed) after", said)
    if len(found) != 1 or found[0][1] != "passed" or found[0][0] == "0":
        failed = re.findall(r"✘ Test (\S+) (?:failed|recorded)", said)
        raise RuntimeError(", ".join(dict.fromkeys(failed)) or f"no test was run: {said.strip()[-200:]}")
    return int(found[0][0])


def test_words(built: Path, filters: Sequence[str], skipped: Sequence[str] = ()) -> list[str]:
    """The command that runs tests of a build."""
    return [str(built / BUNDLE), "--testing-library", "swift-testing", "--skip-build",
            *(word for name in filters for word in ("--filter", name)),
            *(word for name in skipped for word in ("--skip", name))]
