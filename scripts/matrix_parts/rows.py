"""What is tried on each release."""
import os
from collections.abc import Sequence
from pathlib import Path

from testbed import programs

from . import moving, topology
from .cell import Row
from .releases import RELEASED, SUITES
from .stage import BUNDLE, Stage, test_words, tests_passed, toolchain

#: What stands on the client library, and jobs from end to end over it.
LIBRARY_TESTS = ("AMQPTests", "OnABroker.MainPath", "OnABroker.OverTLS", "OnABroker.Trouble")
#: What stands on PostgreSQL and its client library.
DATABASE_TESTS = ("^LedgerTests", "^PostgresLedgerTests", "LedgerGrantsTests", "SharingOnABroker.SharedLedger")

#: Of the compiler's programs those that want libraries which not every release has, as libxml2.so.2.
COMPILERS = ("swift-package", "lld")


def _integration(stage: Stage) -> str:
    said = stage.run(*test_words(stage.built, ["IntegrationTests"]), environment=stage.with_broker)
    return f"{tests_passed(said)} tests"


def _chaos(stage: Stage) -> str:
    said = stage.run("scripts/chaos", "--ci", "--seed", 1, "--programs", stage.built, environment=stage.with_broker)
    return " ".join(said.strip().splitlines()[-1].split())


def _partition(stage: Stage) -> str:
    said = stage.run("scripts/chaos", "partition", "--seconds", 60, "--seed", 1, "--programs", stage.built,
                     environment=stage.with_broker)
    return " ".join(said.strip().splitlines()[-1].split())


def _library(stage: Stage) -> str:
    """The build of this machine, as the package has it, with the libraries of that one."""
    return _with_its_libraries(stage, LIBRARY_TESTS)


def _database(stage: Stage) -> str:
    # The server runs as its own user.
    stage.directory.chmod(0o711)
    return _with_its_libraries(stage, DATABASE_TESTS)


def _with_its_libraries(stage: Stage, tests: Sequence[str]) -> str:
    """But for those that are there no more, as libsodium.so.23: there the package is for nobody, and the source is built
    (row `source`)."""
    lent = stage.lend(stage.built / BUNDLE)
    said = stage.run_inside(*test_words(stage.built, tests))
    return f"{tests_passed(said)} tests" + (f" (with this machine's {', '.join(lent)})" if lent else "")


def _source(stage: Stage) -> str:
    """Built there, by this machine's compiler, from that one's headers."""
    scratch = stage.kept / "build"
    for program in COMPILERS:
        stage.lend(toolchain() / "usr/bin" / program)
    stage.run_inside("swift", "build", "--build-tests", "--scratch-path", scratch,
                     "--explicit-target-dependency-import-check", "error")
    said = stage.run_inside(*test_words(scratch / "debug", LIBRARY_TESTS))
    return f"builds, {tests_passed(said)} tests"


def package() -> Path:
    """What lists the package of this checkout: made here, for all releases, and made again by whoever changed it."""
    place = programs.ROOT / ".build/package"
    made = sorted(place.glob("leave-albumd_*.changes"), key=os.path.getmtime)
    if not made:
        raise RuntimeError("there is no package in .build/package: scripts/package makes it")
    return made[-1]


def _lintian(stage: Stage) -> str:
    """Errors and warnings. Its mere informations are of how Swift's runtime is linked."""
    stage.run_inside("lintian", "--allow-root", "--tag-display-limit", 0, "--fail-on", "error,warning", package())
    return "no error, no warning"


def _server(stage: Stage) -> str:
    deb = max(package().parent.glob("leave-albumd_*.deb"), key=os.path.getmtime)
    said = stage.run("scripts/system-test", "--suite", stage.suite, "--deb", deb)
    return said.strip().splitlines()[-1]


ROWS = [
    Row("integration", "tests on a real broker", _integration, SUITES),
    Row("topology", "topology: made, compared, exported, looked at", topology.trial, SUITES),
    Row("moving", "jobs that wait while the broker is replaced", moving.moved, SUITES[1:]),
    # Of these, only the last two are near enough to each other.
    Row("upgrade", "jobs that wait while the broker is upgraded in place", moving.upgraded, SUITES[2:]),
    Row("chaos", "faults by a seeded schedule", _chaos, SUITES),
    Row("partition", "three nodes, one out of sight", _partition, SUITES),
    Row("library", "the build of this machine over that librabbitmq", _library, SUITES),
    Row("database", "ledgers over that PostgreSQL and libpq", _database, SUITES),
    Row("source", "built from source there", _source, SUITES[1:]),
    Row("lintian", "what lintian says of the package", _lintian, RELEASED),
    Row("server", "the package in a booted container", _server, RELEASED),
]
