"""Lets what is planned strike the daemons, their links, their database."""
import os
import signal
import threading
import time

from auditor.journal import now_ms
from testbed.waiting import wait

from ..injector import Detail, FaultInjector
from ..schedule import Fault
from . import broken
from .daemons import Member
from .stage import Stage

#: No call for so long, longer than between two rounds of probes: the day's limit is spent.
SPENT_AFTER = 15
#: As near as blocks and dead members let it be at least, or something else is in the way.
SPENT_SHARE = 0.8
#: The simulator counts all that it has noted.
LOOK_EVERY = 2
#: A refusal of everybody needs calls of two accounts: it is given when there were so many within this time, in seconds,
#: or when nobody has called for so long that the run has no more.
CALLS_TO_FLOW, FLOW_TIME, LONGEST_LULL = 5, 0.5, 60


class Strikes(FaultInjector):
    """As of one daemon, but that each says whom it struck."""

    environment: Stage

    def _member(self, fault: Fault) -> Member | None:
        """The broken one if there is one that is not spared, else any that runs; None if none does."""
        name, daemons = self.environment.options.broken, self.environment.daemons
        if name and broken.KINDS[name].spares_it:
            return daemons.choose(fault.details["draw"], among=daemons.slots[:-1])
        if name:
            last = daemons.slots[-1]
            return last if wait(lambda: last.is_running, seconds=5) else None
        return daemons.choose(fault.details["draw"])

    def _end_one(self, number: signal.Signals, fault: Fault) -> Detail:
        member = self._member(fault)
        if member is None or not member.signal(number):
            return {"missed": "none was running"}
        return {"slot": member.slot}

    def _kill_daemon(self, fault: Fault) -> Detail:
        return self._end_one(signal.SIGKILL, fault)

    def _term_daemon(self, fault: Fault) -> Detail:
        return self._end_one(signal.SIGTERM, fault)

    def _stop_daemon(self, fault: Fault) -> Detail:
        member, seconds = self._member(fault), fault.seconds
        if member is not None and member.is_blind:
            seconds = broken.BLIND_STOP
            self.environment.await_claims(member)
        if member is None or not member.signal(signal.SIGSTOP):
            return {"missed": "none was running"}
        process, began = member.process, time.monotonic()
        time.sleep(seconds)
        if member.is_blind:
            member.clock.stand_still(time.monotonic() - began)
        if process is not None and process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
        return {"slot": member.slot}

    def _drop(self, fault: Fault) -> Detail:
        member = self._member(fault) or self.environment.daemons.slots[0]
        ports = self.environment.links(fault.kind)
        member.namespace.lose(ports)
        try:
            time.sleep(fault.seconds)
        finally:
            member.namespace.restore(ports)
        return {"slot": member.slot}

    _drop_broker = _drop_api = _drop_database = _drop

    def _again(self, fault: Fault) -> Detail:
        time.sleep(fault.seconds)
        self.environment.database.start()
        return None

    def _database_restart(self, fault: Fault) -> Detail:
        self.environment.database.stop()
        return self._again(fault)

    def _database_kill(self, fault: Fault) -> Detail:
        self.environment.database.kill()
        return self._again(fault)

    def _api_holds(self, fault: Fault) -> Detail:
        # While nobody calls, as in a day that is spent, nobody is refused either, and there is no hold to be probed.
        flowing = wait(self._calls_flow, seconds=LONGEST_LULL, every=0)
        began = now_ms()
        number = self.environment.simulator.add_fault(
            {"method": "leave", "actions": [{"wording": fault.details["wording"]}]})
        time.sleep(fault.seconds)
        mended = now_ms()
        self.environment.simulator.remove_fault(number)
        # Whoever mended it says so.
        self.environment.lift_holds()
        return {"at": began, "mended": mended, "wording": fault.details["wording"], "flowing": bool(flowing)}

    def _calls_flow(self) -> bool:
        before = self.environment.calls()
        time.sleep(FLOW_TIME)
        return self.environment.calls() - before >= CALLS_TO_FLOW

    def _clock_jump(self, fault: Fault) -> Detail:
        member = self._member(fault) or self.environment.daemons.slots[0]
        member.clock.set(fault.details["offset"])
        time.sleep(fault.seconds)
        member.clock.set(0)
        return {"slot": member.slot, "offset": fault.details["offset"]}


class DayLimit(threading.Thread):
    """Waits until the day is spent, lets it be so for a while, and raises its limit as an operator would. `spent`: how
    many calls there were then, None if it never was."""

    def __init__(self, stage: Stage, raised: int, record):
        super().__init__(daemon=True, name="day limit")
        self.stage, self.raised, self.spent = stage, raised, None
        self._record, self._leaving = record, threading.Event()
        self.start()

    def run(self) -> None:
        limit, last, since = self.stage.options.day_limit, -1, time.monotonic()
        while not self._leaving.wait(LOOK_EVERY):
            calls = self.stage.calls()
            if calls != last:
                last, since = calls, time.monotonic()
            elif calls >= limit * SPENT_SHARE and time.monotonic() - since > SPENT_AFTER:
                self._raise(calls, int(since * 1000 - time.monotonic() * 1000) + now_ms())
                return

    def _raise(self, calls: int, began: int) -> None:
        self.spent = calls
        self.stage.limits.append((now_ms(), self.raised))
        self.stage.write_terms()
        for member in self.stage.daemons.slots:
            member.write(limits={"requests_per_day": self.raised})
        if self.stage.options.raised_by == "reload":
            self.stage.daemons.reload()
        else:
            for member in self.stage.daemons.slots:
                member.signal(signal.SIGTERM)
        self._record(at=began, until=now_ms(), kind="day_spent", calls=calls)

    def leave(self) -> None:
        self._leaving.set()
        self.join(30)
