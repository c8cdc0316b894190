"""The command line of `scripts/chaos cluster`."""
import argparse
import shutil
import sys
from pathlib import Path

from testbed import programs

from ..campaign import show
from . import broken, plan


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos cluster",
        description="Several daemons on one ledger in PostgreSQL, struck by a seeded plan; an auditor proves what became "
                    "of each job, and that no two calls were made where one was due.",
        epilog="strikes: " + ", ".join(plan.KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="a run of two minutes: 3,000 jobs of 200 accounts")
    parser.add_argument("--ci", action="store_true", help="a run of a minute and a half: 800 jobs of 100 accounts; that "
                             "the machine was too busy to judge slowness is shown, and is no fault")
    parser.add_argument("--failover", action="store_true",
                        help="database and broker are three servers each, under Patroni and as a cluster; any of them is "
                             "killed (scripts/install-dependencies --failover)")
    parser.add_argument("--asynchronous", action="store_true",
                        help="as --failover, and no commit waits for a standby: the primary is killed with commits that "
                             "none has, and the auditor counts what that cost")
    parser.add_argument("--jobs", type=int, help="(100000)")
    parser.add_argument("--accounts", type=int, help="(2000)")
    parser.add_argument("--seconds", type=float, help="in which jobs come and strikes fall (600)")
    parser.add_argument("--strikes", help="KIND=COUNT with commas, in place of the usual ones; none")
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--quiet-end", type=float, dest="quiet_end", metavar="SECONDS",
                        help="at the end, with few jobs, in which two members are killed (30; --ci: 15)")
    parser.add_argument("--day-limit", type=int, metavar="N",
                        help="calls of the day until it is raised (half of the jobs; --ci: 0); 0: no limit")
    parser.add_argument("--raised-by", choices=["reload", "restart"], default="reload", dest="raised_by",
                        help="how the daemons learn that the day's limit was raised (reload)")
    parser.add_argument("--broken", choices=list(broken.KINDS),
                        help="the last member is broken so, and the auditor has to name it: "
                             + "; ".join(f"{name}, {kind.how}" for name, kind in broken.KINDS.items()))
    parser.add_argument("--durable", action="store_true", help="the database flushes what it commits")
    parser.add_argument("--runs", type=int, default=1, help="so many runs, of this seed and the next ones")
    parser.add_argument("--directory", help="where reports and records go (default: a temporary one)")
    parser.add_argument("--keep", action="store_true", help="keep the records of a run without violations")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--latency", type=int, help="of the simulator, in ms (20)")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--timeout", type=float, help="seconds until everything has to be still (600; --short, --ci: 150)")
    parser.add_argument("--beside", metavar="DIR",
                        help="the daemons begin as DIR's leave-albumd, an older build, on the schema that it makes, and "
                             "are replaced one by one while jobs come")
    parser.add_argument("--programs", help="where leave-albumd and photos-simulator are (default: swift build, debug)")
    options = parser.parse_args(arguments)
    options.command = "scripts/chaos cluster " + " ".join(arguments)
    options.failover = options.failover or options.asynchronous
    if options.failover and (options.broken or options.ci or options.short):
        parser.error("a run with several servers is of a size of its own, and nobody is broken in it")
    size = (plan.ASYNCHRONOUS if options.asynchronous else plan.FAILOVER if options.failover else plan.CI if options.ci
            else plan.SHORT if options.short or options.broken else plan.FULL)
    for name in ("jobs", "accounts", "seconds", "timeout", "quiet_end"):
        if getattr(options, name) is None:
            setattr(options, name, getattr(size, name))
    if options.day_limit is None:
        options.day_limit = options.jobs // 2 if size.spends_day else 0
    if options.latency is None:
        options.latency = broken.KINDS[options.broken].latency if options.broken else broken.LATENCY_MS
    usual = broken.KINDS[options.broken].strikes if options.broken else size.counts
    options.counts = _counts(parser, options.strikes, usual)
    options.beside = Path(options.beside) if options.beside else None
    if options.beside and (options.broken or options.failover):
        parser.error("--beside goes with neither --broken nor --failover")
    impossible = options.counts.keys() & (plan.OF_THE_ONLY if options.failover else plan.OF_SEVERAL)
    if impossible:
        parser.error(f"{', '.join(sorted(impossible))}: {'not with' if options.failover else 'needs'} --failover")
    # What the runs of one daemon have besides.
    options.kinds, options.quiet = {}, False
    return options


def _counts(parser: argparse.ArgumentParser, words: str | None, usual: dict[str, int]) -> dict[str, int]:
    counts = dict(usual)
    if words is not None:
        counts = {}
        for word in words.split(",") if words != "none" else ():
            name, _, count = word.partition("=")
            if name not in plan.KINDS:
                parser.error(f"no strike is called {name}")
            counts[name] = int(count or 1)
    for name in list(counts):
        why = None
        if name in plan.PACKETS and not plan.has_namespaces():
            why = "it needs root, iproute2 and nftables"
        if name == "clock_jump" and not shutil.which("gcc"):
            why = "there is no gcc to build the clock that jumps"
        if why:
            if words is not None:
                parser.error(f"{name} is not possible here: {why}")
            print(f"without {name}: {why}", file=sys.stderr)
            del counts[name]
    return counts


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    options.programs = Path(options.programs) if options.programs else programs.build()
    programs.exit_on_sigterm()
    from . import run
    status = 0
    for options.seed in range(options.seed, options.seed + options.runs):
        report = run.run(options)
        show(report)
        spent = report.get("daySpent")
        if spent and spent["calls"] is not None:
            print("  day: {calls} calls when its limit of {limit} was spent".format(**spent))
        status = status or (1 if report["faultErrors"] or not _is_as_expected(options, report["violations"]) else 0)
    return status


#: What a machine that is busy with something else keeps from being judged. A run of `--ci` shows it and does not fail for it.
OF_MACHINE = frozenset({"machine"})


def _is_as_expected(options: argparse.Namespace, violations: dict) -> bool:
    """Nothing is wrong; or what a member was broken for was named, and then it may have broken more."""
    if not options.broken:
        return not violations.keys() - (OF_MACHINE if options.ci else frozenset())
    missed = broken.KINDS[options.broken].rules - violations.keys()
    print(f"  the broken member was {'NOT ' if missed else ''}named by "
          + ", ".join(sorted(missed or broken.KINDS[options.broken].rules)))
    return not missed
