"""Everything that a run needs around the jobs: broker, simulator, wires, daemons."""
import argparse
import platform
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pika
from pika.adapters.blocking_connection import BlockingChannel

from auditor.journal import Journal
from testbed import programs
from testbed.clock import Clock
from testbed.node import Node
from testbed.simulator import Simulator
from testbed.waiting import eventually
from testbed.wire import Wire

from . import schedule
from .channel import channel
from .cluster import Cluster
from .daemons import Daemons, settings
from .load.collector import Collector
from .namespace import Namespace

QUEUES = ("jobs", "bulk", "due", "cancel", "broken", "retry.1s", "retry.3s", "retry.9s", "results", "dead")
#: Of a ledger's own mount: space for what a run of 100,000 jobs needs, and little enough to be filled in a moment.
LEDGER_MIB = 192


class Environment:
    """Up and running when it is made; `end` leaves nothing of it."""

    def __init__(self, options: argparse.Namespace, directory: Path):
        self.options, self.directory = options, directory
        self.prefix, self.ledger = f"chaos-{options.seed}", directory / "ledger"
        #: Times since which results are published again.
        self.replays: list[str] = []
        self.notes: list[str] = []
        self._ends: list[Callable[[], object]] = []
        try:
            self._build()
        except BaseException:
            self.end()
            raise

    def _build(self) -> None:
        options, directory, kinds = self.options, self.directory, self.options.kinds.keys()
        self.node = Cluster(directory / "broker", options.seed) if "partition" in kinds else Node(directory / "broker")
        self._ends.append(self.node.end)
        self.node.start()
        self.simulator = Simulator(
            options.programs / "photos-simulator", directory, "--seed", options.seed, "--latency", options.latency)
        self._ends.append(self.simulator.stop)
        self.namespace = Namespace() if kinds & schedule.PACKETS else None
        if self.namespace:
            self._ends.append(self.namespace.end)
        beside = self.namespace.address if self.namespace else None
        self.broker_wires = [Wire(port, beside) for port in self.node.ports]
        self.api_wire = Wire(self.simulator.port, beside)
        self._ends += [wire.stop for wire in [*self.broker_wires, self.api_wire]]
        self.ledger.mkdir()
        if kinds & {"ledger_full", "ledger_readonly"}:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={LEDGER_MIB}m", "chaos", self.ledger], check=True)
            self._ends.append(lambda: subprocess.run(["umount", "-l", self.ledger], check=True))
        self.clock = Clock(directory) if "clock_jump" in kinds else None
        self.daemons = Daemons(
            options, directory,
            settings(options, directory, self.prefix, self.ledger, self.broker_wires, self.api_wire),
            Journal(directory / "ends.jsonl"), self.namespace.prefix if self.namespace else [],
            self.clock.environment if self.clock else {})
        self._ends.append(self.daemons.kill)
        eventually("a daemon consumes", self._is_consuming, every=0.3)

    def _is_consuming(self) -> bool:
        status = self.daemons.status()
        return status is not None and status["state"] == "consuming"

    def channel(self) -> AbstractContextManager[BlockingChannel]:
        """A channel that outlasts a broker which is down for some time."""
        return channel(self.node.ports, connection_attempts=40, retry_delay=1)

    def start_collector(self) -> Collector:
        self.collector = Collector(self.node.ports, self.prefix, Journal(self.directory / "results.jsonl"),
                                   Journal(self.directory / "dead-letters.jsonl"))
        return self.collector

    def lift_holds(self) -> None:
        """As an operator does who has mended what was wrong."""
        status = self.daemons.status()
        for hold in (status or {}).get("holds", []):
            if hold.get("nextProbeAt"):
                self.daemons.operate("resume", hold["cause"])

    def holds(self) -> list[str]:
        status = self.daemons.status()
        return [hold["cause"] for hold in status["holds"]] if status else ["?"]

    def depths(self) -> dict[str, int] | None:
        """Messages that wait in each queue, without those in flight; None if the broker cannot say."""
        try:
            with channel(self.node.ports) as asking:
                return {name: asking.queue_declare(f"{self.prefix}.{name}", passive=True).method.message_count
                        for name in QUEUES}
        except (pika.exceptions.AMQPError, OSError) as error:
            self.notes.append(f"depths: {error!r}")
            return None

    def is_collected(self) -> bool:
        """Whether the queues of the collector are empty."""
        depths = self.depths()
        return depths is not None and depths["results"] == 0 and depths["dead"] == 0

    def _are_over(self, count: int | None, still: int) -> bool:
        """Whether so many open jobs are none that anything comes of, where nothing waited at so many looks."""
        return count == 0

    def settle(self, timeout: float, is_helped: bool = True) -> float | None:
        """Waits until nothing waits anywhere; an operator helps, or not. Gives the seconds that it took, or None when
        the time was over."""
        began = time.monotonic()
        still = 0
        while time.monotonic() - began < timeout:
            depths, status = self.depths(), self.daemons.status()
            if depths is not None and not any(depths.values()) and status and status["inHand"] == 0:
                still += 1
                ledger = status.get("ledger") or {}
                if still >= 2 and ledger.get("unpublishedResults") == 0 and self._are_over(ledger.get("open"), still):
                    return time.monotonic() - began
            else:
                still = 0
            if is_helped:
                self.lift_holds()
            time.sleep(0.5)
        self.notes.append(f"not still after {timeout} s: {depths}, {status}")
        return None

    def versions(self) -> dict[str, str]:
        text = subprocess.run([self.daemons.program, "version"], capture_output=True, text=True).stdout
        return {"leave-albumd": text.strip(), "commit": programs.commit(), "rabbitmq": self.node.version(),
                "python": platform.python_version(), "kernel": platform.release(), "pika": pika.__version__}

    def end(self) -> None:
        while self._ends:
            self._ends.pop()()
