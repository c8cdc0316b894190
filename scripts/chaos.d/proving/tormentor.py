"""Lets the faults of a schedule fall, and writes down when each really began and ended."""
import os
import signal
import subprocess
import threading
import time
from datetime import datetime, timezone

import pika

from .journal import now_ms


class Tormentor:
    """A thread for each family of faults."""

    def __init__(self, stage, schedule, start, journal):
        self.stage, self.start, self.journal = stage, start, journal
        self.errors = []
        self.counts = {}
        self._lock = threading.Lock()
        self._threads = []
        for family in sorted({fault.family for fault in schedule}):
            faults = [fault for fault in schedule if fault.family == family]
            thread = threading.Thread(target=self._run, args=(faults,), daemon=True, name=family)
            self._threads.append(thread)
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join()

    def _run(self, faults):
        for fault in faults:
            time.sleep(max(0.0, self.start + fault.at - time.time()))
            began = now_ms()
            try:
                detail = getattr(self, "_" + fault.kind)(fault)
            except Exception as error:  # A fault that cannot fall is told at the end; the others still do.
                self.errors.append(f"{fault.kind}: {error!r}")
                detail = {"error": repr(error)}
            self.journal.write(at=began, until=now_ms(), kind=fault.kind, planned=fault.at, **(detail or {}))
            with self._lock:
                self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1

    # MARK: The daemon

    def _kill_daemon(self, fault):
        slot = self.stage.daemons.active()
        if slot is None or not slot.signal(signal.SIGKILL):
            return {"missed": "nobody was active"}
        return {"pids": [slot.child.pid] if slot.child else []}

    def _kill_both(self, fault):
        with self.stage.daemons.lock:
            return {"killed": sum(slot.signal(signal.SIGKILL) for slot in self.stage.daemons.slots)}

    def _term_daemon(self, fault):
        slot = self.stage.daemons.active()
        return {"slot": slot.name, "told": slot.signal(signal.SIGTERM)} if slot else {"missed": "nobody was active"}

    def _stop_daemon(self, fault):
        slot = self.stage.daemons.active()
        if slot is None or not slot.signal(signal.SIGSTOP):
            return {"missed": "nobody was active"}
        child = slot.child
        time.sleep(fault.seconds)
        if child is not None and child.poll() is None:
            os.kill(child.pid, signal.SIGCONT)
        return None

    # MARK: The broker

    def _broker_restart(self, fault):
        node = self.stage.node
        with node.lock:
            node.stop()
            time.sleep(fault.seconds)
            node.start()

    def _broker_kill(self, fault):
        node = self.stage.node
        with node.lock:
            node.kill()
            time.sleep(fault.seconds)
            node.start()

    def _close_connections(self, fault):
        self.stage.node.close_connections()

    def _memory_alarm(self, fault):
        self.stage.node.memory_alarm(True)
        time.sleep(fault.seconds)
        self.stage.node.memory_alarm(False)

    def _disk_alarm(self, fault):
        self.stage.node.disk_alarm(True)
        time.sleep(fault.seconds)
        self.stage.node.disk_alarm(False)

    def _partition(self, fault):
        return self.stage.node.partition(fault.seconds)

    def _delete_results(self, fault):
        return self._delete("results", fault)

    def _delete_dead(self, fault):
        return self._delete("dead", fault)

    def _delete(self, name, fault):
        """What was in the queue is gone; results are published again from the ledger, as an operator would."""
        before = time.time()
        with self._channel() as channel:
            lost = channel.queue_delete(f"{self.stage.site.prefix}.{name}").method.message_count
        time.sleep(fault.seconds)
        status, text = self.stage.site.command("topology", "declare")
        if status != 0:
            raise RuntimeError(text)
        if name == "results":
            since = datetime.fromtimestamp(before - 15, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.stage.replays.append(since)
        return {"messages": lost}

    def _purge_delays(self, fault):
        purged = 0
        with self._channel() as channel:
            for delay in ("1s", "3s", "9s"):
                purged += channel.queue_purge(f"{self.stage.site.prefix}.retry.{delay}").method.message_count
        return {"messages": purged}

    def _redrive(self, fault):
        """Letters pile up, and an operator gives some of them another try; his command may be killed meanwhile."""
        collector = self.stage.collector
        collector.leaves_letters = True
        try:
            time.sleep(fault.seconds)
            words = [word for reason in fault.details["reasons"] for word in ("--reason", reason)]
            slot = self.stage.daemons.active()
            status, text = self.stage.site.command(
                "dead", "redrive", *words, seconds=fault.details["killed_after"] or 30, slot=slot.name if slot else "a")
        finally:
            collector.leaves_letters = False
        return {"status": status, "said": text.strip()[-200:]}

    def _channel(self):
        return _Channel(self.stage.node.ports)

    # MARK: The wires

    def _silent_broker(self, fault):
        for wire in self.stage.broker_wires:
            wire.silence()
        time.sleep(fault.seconds)
        for wire in self.stage.broker_wires:
            wire.restore(**fault.details)

    def _slow_broker(self, fault):
        for wire in self.stage.broker_wires:
            wire.slow(fault.details["delay"])
        time.sleep(fault.seconds)
        for wire in self.stage.broker_wires:
            wire.slow(0)

    def _cut_broker(self, fault):
        for wire in self.stage.broker_wires:
            wire.cut()

    def _silent_api(self, fault):
        self.stage.api_wire.silence()
        time.sleep(fault.seconds)
        self.stage.api_wire.restore(**fault.details)

    def _packets(self, wires, fault):
        ports, share = [wire.port for wire in wires], fault.details.get("share", 1.0)
        self.stage.namespace.lose(ports, share)
        try:
            time.sleep(fault.seconds)
        finally:
            self.stage.namespace.restore(ports, share)
        return {"share": share}

    def _drop_broker(self, fault):
        return self._packets(self.stage.broker_wires, fault)

    def _drop_api(self, fault):
        return self._packets([self.stage.api_wire], fault)

    _loss_broker = _drop_broker
    _loss_api = _drop_api

    def _slow_api(self, fault):
        self.stage.api_wire.slow(fault.details["delay"])
        time.sleep(fault.seconds)
        self.stage.api_wire.slow(0)
        return fault.details

    def _cut_api(self, fault):
        self.stage.api_wire.cut()

    # MARK: The API

    def _api_fault(self, fault):
        number = self.stage.simulator.add_fault(fault.details["fault"])
        time.sleep(fault.seconds)
        self.stage.simulator.remove_fault(number)
        return {"fault": fault.details["fault"]}

    _api_rows = _api_fault
    _token_faults = _api_fault

    def _api_holds(self, fault):
        answer = self._api_fault(fault)
        # Whoever mended it says so.
        self.stage.lift_holds()
        return answer

    # MARK: Jobs

    def _bad_jobs(self, fault):
        """The publisher has them, and the simulator knows them from the start."""
        time.sleep(fault.seconds)
        return {"jobs": len(fault.details["ailments"])}

    # MARK: Disk and clock

    def _ledger_full(self, fault):
        filler = self.stage.site.ledger / "filler"
        try:
            with open(filler, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(b"\0" * 65536)
                except OSError:
                    pass
                try:
                    while True:
                        file.write(b"\0" * 1024)
                except OSError:
                    pass
                size = file.seek(0, os.SEEK_END)
                os.ftruncate(file.fileno(), max(0, size - fault.details["leave_kib"] * 1024))
            time.sleep(fault.seconds)
        finally:
            filler.unlink()

    def _ledger_readonly(self, fault):
        """A file that is open for writing keeps its mount writable, so the daemons are killed before."""
        daemons = self.stage.daemons
        with daemons.lock:
            for slot in daemons.slots:
                slot.signal(signal.SIGKILL)
            for slot in daemons.slots:
                if slot.child is not None:
                    slot.child.wait(10)
            _mount("remount,ro", self.stage.site.ledger)
        time.sleep(fault.seconds)
        _mount("remount,rw", self.stage.site.ledger)

    def _clock_jump(self, fault):
        self.stage.set_clock(fault.details["offset"])
        time.sleep(fault.seconds)
        self.stage.set_clock(0)
        return fault.details


class _Channel:
    """A channel of a connection of its own, closed with it."""

    def __init__(self, ports):
        self._connection = pika.BlockingConnection([pika.ConnectionParameters(
            "127.0.0.1", port, socket_timeout=3, stack_timeout=5, connection_attempts=40, retry_delay=1)
            for port in ports])

    def __enter__(self):
        return self._connection.channel()

    def __exit__(self, *_):
        if self._connection.is_open:
            self._connection.close()


def _mount(options, place):
    subprocess.run(["mount", "-o", options, str(place)], check=True, capture_output=True)
