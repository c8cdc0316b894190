"""One run: arranges the stage, lets jobs and faults go, waits until everything is still, and lets the auditor judge."""
import json
import platform
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import pika

from . import audit, badjobs, contention, messages, process, schedule, world
from .cluster import Cluster
from .collector import Collector
from .daemon import Daemons, Site
from .journal import Journal, now_ms, read
from .namespace import Namespace
from .node import Node
from .proxy import Wire
from .publisher import Publisher
from .simulator import Simulator
from .tormentor import Tormentor

QUEUES = ("jobs", "bulk", "due", "cancel", "broken", "retry.1s", "retry.3s", "retry.9s", "results", "dead")
#: Of a ledger's own mount: room for what a run of 100,000 jobs needs, and little enough to be filled in a moment.
LEDGER_MIB = 192
#: Seconds that what was wrong may go on being mended before the quiet end.
MOST_BEFORE_END, QUICK_BEFORE_END = 60, 15
SKEW = Path(__file__).resolve().parents[1] / "skew.c"


class Stage:
    """Everything that a run needs, up and running; `end` leaves nothing of it."""

    def __init__(self, options, room):
        self.options, self.room = options, room
        self.replays = []
        self._ends = []
        self.notes = []
        try:
            self._build()
        except BaseException:
            self.end()
            raise

    def _build(self):
        options, room = self.options, self.room
        self.node = Cluster(room / "broker", options.seed) if "partition" in options.kinds else Node(room / "broker")
        self._ends.append(self.node.end)
        self.node.start()
        self.simulator = Simulator(options.programs / "photos-simulator", room, options.seed, options.latency)
        self._ends.append(self.simulator.end)
        self.namespace = None
        if options.kinds.keys() & schedule.PACKETS:
            self.namespace = Namespace()
            self._ends.append(self.namespace.end)
        beside = self.namespace.address if self.namespace else None
        self.broker_wires = [Wire(port, beside) for port in self.node.ports]
        self.api_wire = Wire(self.simulator.port, beside)
        self._ends += [wire.stop for wire in [*self.broker_wires, self.api_wire]]
        ledger = room / "ledger"
        ledger.mkdir()
        if options.kinds.keys() & {"ledger_full", "ledger_readonly"}:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={LEDGER_MIB}m", "chaos", str(ledger)], check=True)
            self._ends.append(lambda: subprocess.run(["umount", "-l", str(ledger)], check=True))
        self.site = Site(
            options.programs / "leave-albumd", room, ledger, self.broker_wires, self.api_wire, options, self.namespace)
        self.site.prepare()
        self.ends_journal = Journal(room / "ends.jsonl")
        preload = {}
        if "clock_jump" in options.kinds:
            (room / "clock").write_bytes(bytes(8))
            subprocess.run(
                ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", room / "skew.so", SKEW], check=True)
            preload = {"LD_PRELOAD": str(room / "skew.so"), "CHAOS_CLOCK": str(room / "clock")}
        self.daemons = Daemons(self.site, self.ends_journal, "poison" in options.kinds, preload)
        self._ends.append(self._kill_daemons)
        process.eventually("a daemon consumes", self._is_consuming, pause=0.3)

    def _kill_daemons(self):
        self.daemons.rest()
        for slot in self.daemons.slots:
            if slot.child is not None:
                slot.child.kill()
                slot.child.wait()

    def _is_consuming(self):
        status = self.daemons.status()
        return status is not None and status["state"] == "consuming"

    def set_clock(self, offset):
        """What the daemons' clock says more than ours, in seconds."""
        with open(self.room / "clock", "r+b", buffering=0) as file:
            file.write(struct.pack("q", offset))

    def lift_holds(self):
        status = self.daemons.status()
        for hold in (status or {}).get("holds", []):
            if hold.get("nextProbeAt"):
                self.daemons.operate("resume", hold["cause"])

    def depths(self):
        """Messages that wait in each queue, without those in somebody's hands; None if the broker cannot say."""
        try:
            connection = pika.BlockingConnection([
                pika.ConnectionParameters("127.0.0.1", port, socket_timeout=3, stack_timeout=5)
                for port in self.node.ports])
            try:
                channel = connection.channel()
                return {name: channel.queue_declare(f"{self.site.prefix}.{name}", passive=True).method.message_count
                        for name in QUEUES}
            finally:
                if connection.is_open:
                    connection.close()
        except (pika.exceptions.AMQPError, OSError) as error:
            self.notes.append(f"depths: {error!r}")
            return None

    def settle(self, patience, is_helped=True):
        """Waits until nothing waits anywhere; an operator helps, or not. Gives the seconds that it took, or None when
        patience was over."""
        began = time.monotonic()
        still = 0
        while time.monotonic() - began < patience:
            depths, status = self.depths(), self.daemons.status()
            if depths is not None and not any(depths.values()) and status and status["inHand"] == 0:
                still += 1
                ledger = status.get("ledger") or {}
                if still >= 2 and ledger.get("open") == 0 and ledger.get("unpublishedResults") == 0:
                    return time.monotonic() - began
            else:
                still = 0
            if is_helped:
                self.lift_holds()
            time.sleep(0.5)
        self.notes.append(f"not still after {patience} s: {depths}, {status}")
        return None

    def end(self):
        while self._ends:
            self._ends.pop()()


def run(options):
    """Runs, audits, writes the report. Gives it."""
    parent = Path(options.directory) if options.directory else Path(tempfile.mkdtemp(prefix="chaos-"))
    room = parent / f"seed-{options.seed}"
    if room.exists():
        shutil.rmtree(room)
    room.mkdir(parents=True)
    faults = schedule.make(options.seed, options.seconds, options.kinds, options.slow, quick=options.ci)
    say(options, f"seed {options.seed}: {options.jobs} jobs, {len(faults)} faults in {options.seconds} s, in {room}")
    began = time.time()
    (room / "schedule.json").write_text(json.dumps([vars(fault) for fault in faults], indent=1))
    stage = Stage(options, room)
    try:
        facts = _perform(options, stage, faults, room)
        versions = _versions(stage)
    finally:
        stage.end()
    verdict = audit.judge(room)
    contention_found = None
    if "clock_jump" not in options.kinds:
        contention_found = contention.judge(room, read(room / "ends.jsonl"))
        if contention_found["overlaps"]:
            verdict["violations"]["contention"] = contention_found["overlaps"]
    report = {
        "seed": options.seed, "command": options.command, "began": int(began), "seconds": round(time.time() - began, 1),
        "versions": versions, "contention": contention_found, **facts, **verdict}
    (parent / f"report-{options.seed}.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    if not options.keep and not report["violations"]:
        shutil.rmtree(room, ignore_errors=True)
    elif not options.keep:
        shutil.rmtree(room / "broker", ignore_errors=True)
    return report


def _perform(options, stage, faults, room):
    # A whole second, so that the deadlines in bodies are exact.
    start = float(int(time.time()) + 2)
    made = messages.Maker(
        options.seed, options.jobs, options.seconds, start, poison=1 if "poison" in options.kinds else 0,
        faults=faults).make()
    world.arrange(stage.simulator, made)
    collector = stage.collector = Collector(stage.node.ports, stage.site.prefix, Journal(room / "results.jsonl"),
                          Journal(room / "letters.jsonl"))
    published = Journal(room / "published.jsonl")
    publisher = Publisher(stage.node.ports, stage.site.prefix, made, start, published)
    tormentor = Tormentor(stage, faults, start, Journal(room / "faults.jsonl"))
    tormentor.join()
    process.eventually("every message is confirmed", lambda: publisher.is_done, seconds=options.patience)
    say(options, f"  {publisher.total} messages published, {sum(tormentor.counts.values())} faults fell")
    for since in stage.replays:
        status, text = stage.daemons.operate("results", "--since", since)
        stage.notes.append(f"results --since {since}: {status} {text.strip()}")
    has_end = "bad_jobs" in options.kinds
    if has_end:
        # What came before is over as far as it can be: some bad jobs end only when good ones come again.
        patience = QUICK_BEFORE_END if options.ci else MOST_BEFORE_END
        stage.notes.append(f"still before the end: {stage.settle(patience)}")
        publisher.stop()
        publisher = _end(options, stage, published, made)
    settled = stage.settle(options.patience, is_helped=not has_end)
    # What an operator would still have to lift. Without an end nobody was there to test it.
    holds = _holds(stage) if has_end else []
    statuses = stage.daemons.stop()
    process.eventually("the collector has everything", lambda: _is_empty(stage), seconds=60)
    collector.stop()
    publisher.stop()
    stage.simulator.arrange("faults/clear")
    code, text = stage.site.command("ledger", "verify")
    (room / "final.json").write_text(json.dumps({
        "depths": stage.depths(), "settled": settled, "holds": holds, "stopped": statuses,
        "ledgerVerify": [code, text[:500]], "offset": start, "at": now_ms()}))
    return {"faults": tormentor.counts, "faultErrors": tormentor.errors, "notes": stage.notes[-50:],
            "settledAfter": settled and round(settled, 1)}


def _end(options, stage, journal, before):
    """Bad jobs among good ones when nothing else is wrong. An operator lifts what held before, and nothing after."""
    end = messages.QUICK_END if options.ci else messages.END
    start = float(int(time.time()) + 2)
    made = messages.Maker(options.seed, 0, end.seconds, start).make_end(
        end, badjobs.last_burst(options.seed, quick=options.ci))
    world.arrange_albums(stage.simulator, made)
    publisher = Publisher(stage.node.ports, stage.site.prefix, made, start, journal, first=len(before))
    while time.time() < start + end.calm - 1:
        stage.lift_holds()
        time.sleep(0.3)
    # Each is done when good ones have shown whose fault it is, so that these go on coming.
    bad = {f"{message.job}#0" for message in [*before, *made] if message.ailment is not None}
    while time.time() < start + end.seconds and not bad <= stage.collector.jobs:
        time.sleep(0.5)
    publisher.end()
    process.eventually("every message of the end is confirmed", lambda: publisher.is_done, seconds=options.patience)
    say(options, f"  {publisher.total} messages of the end published")
    return publisher


def _holds(stage):
    status = stage.daemons.status()
    return [hold["cause"] for hold in status["holds"]] if status else ["?"]


def _is_empty(stage):
    depths = stage.depths()
    return depths is not None and depths["results"] == 0 and depths["dead"] == 0


def _versions(stage):
    text = subprocess.run([stage.site.program, "version"], capture_output=True, text=True).stdout
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            cwd=Path(__file__).parent).stdout.strip()
    return {"leave-albumd": text.strip(), "commit": commit, "rabbitmq": stage.node.version(),
            "python": platform.python_version(), "kernel": platform.release(), "pika": pika.__version__}


def say(options, text):
    if not options.quiet:
        print(text, flush=True)
