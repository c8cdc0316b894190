"""Lets the faults of a schedule fall, and writes down when each really began and ended."""
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone

from auditor.journal import Journal, now_ms
from testbed.wire import Wire

from .environment import Environment
from .schedule import Fault

#: What the record of a fault tells of it besides its kind and its times.
Detail = dict | None


class FaultInjector:
    """A thread for each family of faults."""

    def __init__(self, environment: Environment, schedule: list[Fault], start: float, journal: Journal):
        self.environment, self.start, self.journal = environment, start, journal
        self.errors: list[str] = []
        self.counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._threads = []
        for family in sorted({fault.family for fault in schedule}):
            faults = [fault for fault in schedule if fault.family == family]
            thread = threading.Thread(target=self._run, args=(faults,), daemon=True, name=family)
            self._threads.append(thread)
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self, faults: list[Fault]) -> None:
        for fault in faults:
            time.sleep(max(0.0, self.start + fault.at - time.time()))
            began = now_ms()
            try:
                detail = getattr(self, "_" + fault.kind)(fault)
            except Exception as error:  # A fault that cannot fall is told at the end; the others still do.
                self.errors.append(f"{fault.kind}: {error!r}")
                detail = {"error": repr(error)}
            self.journal.write(
                **{"at": began, "until": now_ms(), "kind": fault.kind, "planned": fault.at, **(detail or {})})
            with self._lock:
                self.counts[fault.kind] += 1

    # MARK: The daemon

    def _kill_daemon(self, fault: Fault) -> Detail:
        slot = self.environment.daemons.active()
        if slot is None or not slot.signal(signal.SIGKILL):
            return {"missed": "nobody was active"}
        return {"pids": [slot.process.pid] if slot.process else []}

    def _kill_both(self, fault: Fault) -> Detail:
        daemons = self.environment.daemons
        with daemons.lock:
            return {"killed": sum(slot.signal(signal.SIGKILL) for slot in daemons.slots)}

    def _term_daemon(self, fault: Fault) -> Detail:
        slot = self.environment.daemons.active()
        return {"slot": slot.slot, "taken": slot.signal(signal.SIGTERM)} if slot else {"missed": "nobody was active"}

    def _stop_daemon(self, fault: Fault) -> Detail:
        slot = self.environment.daemons.active()
        if slot is None or not slot.signal(signal.SIGSTOP):
            return {"missed": "nobody was active"}
        process = slot.process
        time.sleep(fault.seconds)
        if process is not None and process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
        return None

    # MARK: The broker

    def _restart(self, end: Callable[[], None], fault: Fault) -> None:
        node = self.environment.node
        with node.lock:
            end()
            time.sleep(fault.seconds)
            node.start()

    def _broker_restart(self, fault: Fault) -> Detail:
        self._restart(self.environment.node.stop, fault)

    def _broker_kill(self, fault: Fault) -> Detail:
        self._restart(self.environment.node.kill, fault)

    def _close_connections(self, fault: Fault) -> Detail:
        self.environment.node.close_connections()

    @staticmethod
    def _alarm(switch: Callable[[bool], None], fault: Fault) -> None:
        switch(True)
        time.sleep(fault.seconds)
        switch(False)

    def _memory_alarm(self, fault: Fault) -> Detail:
        self._alarm(self.environment.node.memory_alarm, fault)

    def _disk_alarm(self, fault: Fault) -> Detail:
        self._alarm(self.environment.node.disk_alarm, fault)

    def _partition(self, fault: Fault) -> Detail:
        return self.environment.node.partition(fault.seconds)

    def _delete_results(self, fault: Fault) -> Detail:
        """Results are published again from the ledger, as an operator would have it."""
        before = time.time()
        detail = self._delete("results", fault)
        since = datetime.fromtimestamp(before - 15, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.environment.replays.append(since)
        return detail

    def _delete_dead(self, fault: Fault) -> Detail:
        return self._delete("dead", fault)

    def _delete(self, name: str, fault: Fault) -> Detail:
        """What was in the queue is gone."""
        with self.environment.channel() as channel:
            lost = channel.queue_delete(f"{self.environment.prefix}.{name}").method.message_count
        time.sleep(fault.seconds)
        status, text = self.environment.daemons.command("topology", "declare")
        if status != 0:
            raise RuntimeError(text)
        return {"messages": lost}

    def _purge_delays(self, fault: Fault) -> Detail:
        """A purge whose answer is lost, because the broker went away meanwhile, may have taken all that lay there."""
        purged = perhaps = 0
        try:
            with self.environment.channel() as channel:
                for delay in ("1s", "3s", "9s"):
                    queue = f"{self.environment.prefix}.retry.{delay}"
                    perhaps = channel.queue_declare(queue, passive=True).method.message_count
                    purged += channel.queue_purge(queue).method.message_count
                    perhaps = 0
        except Exception as error:  # What had been purged by then has to be told all the same.
            self.errors.append(f"{fault.kind}: {error!r}")
            return {"messages": purged, "perhaps": perhaps, "error": repr(error)}
        return {"messages": purged}

    def _redrive(self, fault: Fault) -> Detail:
        """Dead letters pile up, and an operator gives some of them another try; his command may be killed meanwhile."""
        collector = self.environment.collector
        collector.leaves_dead_letters = True
        try:
            time.sleep(fault.seconds)
            words = [word for reason in fault.details["reasons"] for word in ("--reason", reason)]
            status, text = self.environment.daemons.command(
                "dead", "redrive", *words, seconds=fault.details["killed_after"] or 30)
        finally:
            collector.leaves_dead_letters = False
        return {"status": status, "said": text.strip()[-200:]}

    # MARK: The wires

    def _wires(self, fault: Fault) -> list[Wire]:
        environment = self.environment
        return environment.broker_wires if fault.kind.endswith("_broker") else [environment.api_wire]

    def _silent(self, fault: Fault) -> Detail:
        for wire in self._wires(fault):
            wire.silence()
        time.sleep(fault.seconds)
        for wire in self._wires(fault):
            wire.restore(**fault.details)

    def _slow(self, fault: Fault) -> Detail:
        for wire in self._wires(fault):
            wire.slow(fault.details["delay"])
        time.sleep(fault.seconds)
        for wire in self._wires(fault):
            wire.slow(0)
        return fault.details

    def _cut(self, fault: Fault) -> Detail:
        for wire in self._wires(fault):
            wire.cut()

    def _drop(self, fault: Fault) -> Detail:
        ports, share = [wire.port for wire in self._wires(fault)], fault.details.get("share", 1.0)
        self.environment.namespace.lose(ports, share)
        try:
            time.sleep(fault.seconds)
        finally:
            self.environment.namespace.restore(ports, share)
        return {"share": share}

    _silent_broker = _silent_api = _silent
    _slow_broker = _slow_api = _slow
    _cut_broker = _cut_api = _cut
    _drop_broker = _drop_api = _loss_broker = _loss_api = _drop

    # MARK: The API

    def _api_fault(self, fault: Fault) -> Detail:
        number = self.environment.simulator.add_fault(fault.details["fault"])
        time.sleep(fault.seconds)
        self.environment.simulator.remove_fault(number)
        return {"fault": fault.details["fault"]}

    _api_rows = _token_faults = _api_fault

    def _api_holds(self, fault: Fault) -> Detail:
        detail = self._api_fault(fault)
        # Whoever mended it says so.
        self.environment.lift_holds()
        return detail

    # MARK: Jobs

    def _bad_jobs(self, fault: Fault) -> Detail:
        """The publisher has them, and the simulator knows them from the start."""
        time.sleep(fault.seconds)
        return {"jobs": len(fault.details["ailments"])}

    # MARK: Disk and clock

    def _ledger_full(self, fault: Fault) -> Detail:
        filler = self.environment.ledger / "filler"
        try:
            with open(filler, "wb", buffering=0) as file:
                for block in (65536, 1024):
                    with suppress(OSError):
                        while True:
                            file.write(b"\0" * block)
                size = file.seek(0, os.SEEK_END)
                os.ftruncate(file.fileno(), max(0, size - fault.details["leave_kib"] * 1024))
            time.sleep(fault.seconds)
        finally:
            filler.unlink()

    def _ledger_readonly(self, fault: Fault) -> Detail:
        """A file that is open for writing keeps its mount writable, so the daemons are killed before."""
        daemons = self.environment.daemons
        with daemons.lock:
            for slot in daemons.slots:
                slot.signal(signal.SIGKILL)
            for slot in daemons.slots:
                if slot.process is not None:
                    slot.process.wait(10)
            self._mount("remount,ro")
        time.sleep(fault.seconds)
        self._mount("remount,rw")

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-o", options, self.environment.ledger], check=True, capture_output=True)

    def _clock_jump(self, fault: Fault) -> Detail:
        self.environment.clock.set(fault.details["offset"])
        time.sleep(fault.seconds)
        self.environment.clock.set(0)
        return fault.details
