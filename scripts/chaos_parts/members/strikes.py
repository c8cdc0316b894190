"""Lets what is planned strike the daemons, their links, their database."""
import os
import signal
import threading
import time

from auditor.journal import now_ms
from testbed.database_node import DatabaseNode
from testbed.waiting import NotReady, eventually, wait

from ..injector import Detail, FaultInjector
from ..schedule import Fault
from . import broken
from .daemons import Member
from .stage import Stage

#: No call for so long, longer than between two rounds of probes: the day's limit is spent.
SPENT_AFTER = 15
#: Nor does anybody call in a failover.
SPENT_AFTER_FAILOVER = 45
#: As near as blocks and dead members let it be at least, or something else is in the way.
SPENT_SHARE = 0.8
#: For how long a primary works whose commits no standby gets, before it is killed.
HELD_BACK = 1.5
#: Between two looks at who takes writes.
WATCH_EVERY = 0.1
#: Patroni gives up what it cannot renew before another one may take it; on a machine that is busy.
LONGEST_DEMOTION = 120
#: A former primary follows the new one for a moment, before Patroni finds that it had gone on by itself and sets it back.
SET_BACK = 5
#: From the end of a broker's node until each queue has another leader, on a machine that is busy.
ELECTED_MS = 10_000
#: The simulator counts all that it has noted.
LOOK_EVERY = 2
#: A refusal of everybody needs calls of two accounts: it is given when there were so many within this time, in seconds,
#: or when nobody has called for so long that the run has no more.
CALLS_TO_FLOW, FLOW_TIME, LONGEST_LULL = 5, 0.5, 60


class Strikes(FaultInjector):
    """As of one daemon, but that each says whom it struck."""

    environment: Stage
    #: Timelines that the database left because of what struck.
    failovers = 0

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

    def _primary_killed(self, fault: Fault) -> Detail:
        """Where no commit waits for a standby, it is killed with some that none has."""
        primary = self.environment.database.primary()
        if not self.environment.options.asynchronous:
            return self._servers_killed(fault, [primary])
        since = now_ms()
        primary.hold_back()
        time.sleep(HELD_BACK)
        return {"since": since, **self._servers_killed(fault, [primary])}

    def _standby_killed(self, fault: Fault) -> Detail:
        """The one that commits wait for."""
        return self._servers_killed(fault, [self._synchronous_standby()])

    def _both_killed(self, fault: Fault) -> Detail:
        """Of the third nobody can say that it has all: there is no primary until one of the two is back."""
        return self._servers_killed(
            fault, [self.environment.database.primary(), self._synchronous_standby()], are_needed=True)

    def _synchronous_standby(self) -> DatabaseNode:
        return eventually("a standby is synchronous", self.environment.database.synchronous_standby)

    def _servers_killed(self, fault: Fault, killed: list[DatabaseNode], are_needed: bool = False) -> Detail:
        """Over when the database commits again; then what was killed comes back, and nobody notices."""
        database, until = self.environment.database, None
        before = database.timeline()
        try:
            for node in killed:
                node.kill()
            gone = now_ms()
            if not are_needed:
                database.await_commits()
                until = now_ms()
            time.sleep(fault.seconds)
            unshared = self._unshared(killed[0]) if fault.kind == "primary_killed" else {}
        finally:
            for node in killed:
                node.start()
        database.await_commits()
        return {"gone": gone, **self._whole(before, until or now_ms()), "nodes": [node.name for node in killed],
                **unshared}

    def _primary_cut_off(self, fault: Fault) -> Detail:
        """From the other servers and from etcd, and not from the daemons: it stops taking writes before another begins,
        and where no commit waits for a standby, what it took until then is lost."""
        database = self.environment.database
        # Nobody takes the place of a primary that has no standby.
        database.await_whole()
        before, primary, since = database.timeline(), database.primary(), now_ms()
        primary.cut_off()
        try:
            eventually("a primary that is cut off gives up", lambda: self._has_given_up(primary), LONGEST_DEMOTION,
                       WATCH_EVERY)
            gone = now_ms()
            database.primary(beside=primary)
            database.await_commits()
            until = now_ms()
            unshared = self._unshared(primary)
            time.sleep(fault.seconds)
        finally:
            primary.come_back()
        time.sleep(SET_BACK)
        lost = {"since": since} if self.environment.options.asynchronous else {}
        return {**lost, **unshared, "gone": gone, **self._whole(before, until), "nodes": [primary.name]}

    def _has_given_up(self, primary: DatabaseNode) -> bool:
        writable = self.environment.database.writable()
        if len(writable) > 1:
            raise NotReady("two servers take writes at once: " + ", ".join(node.name for node in writable))
        return primary not in writable

    def _etcd_killed(self, fault: Fault) -> Detail:
        """One member of three: there is no failover, and nothing is to be noticed."""
        return self._etcd(fault, 1)

    def _etcd_majority_killed(self, fault: Fault) -> Detail:
        """Nobody can say who is the primary: none is, until two of them are back."""
        return self._etcd(fault, 2)

    def _etcd(self, fault: Fault, count: int) -> Detail:
        database = self.environment.database
        before, gone = database.timeline(), {}
        names = database.etcd.kill(count, fault.details["draw"])
        try:
            if count > 1:
                eventually("a primary that etcd does not confirm gives up", lambda: not database.writable(),
                           LONGEST_DEMOTION, WATCH_EVERY)
                gone = {"gone": now_ms()}
            time.sleep(fault.seconds)
        finally:
            database.etcd.start()
        database.await_commits()
        until = now_ms()
        if count == 1 and database.timeline() != before:
            raise NotReady("one member of etcd was killed, and there was a failover")
        return {**gone, **self._whole(before, until), "nodes": names}

    def _whole(self, before: int, until: int) -> Detail:
        """When all servers are there again."""
        database = self.environment.database
        database.await_whole()
        after = database.timeline()
        self.failovers += after - before
        return {"until": until, "whole": now_ms(), "timeline": after}

    def _unshared(self, killed: DatabaseNode) -> Detail:
        """Commits that nobody else has. Where commits wait for a standby, nobody was told of them either."""
        timeline, position = self.environment.database.branch()
        return {"unshared": killed.commits_after(timeline, position)}

    def _broker_node_killed(self, fault: Fault) -> Detail:
        """Two of three go on by themselves; that the third comes back, after minutes perhaps, is felt by nobody."""
        began = now_ms()
        self._broker_kill(fault)
        back = now_ms()
        return {"until": min(back, began + ELECTED_MS), "back": back, "node": self.environment.node.victim}

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
        options, last, since = self.stage.options, -1, time.monotonic()
        limit, silence = options.day_limit, SPENT_AFTER_FAILOVER if options.failover else SPENT_AFTER
        while not self._leaving.wait(LOOK_EVERY):
            calls = self.stage.calls()
            if calls != last:
                last, since = calls, time.monotonic()
            elif calls >= limit * SPENT_SHARE and time.monotonic() - since > silence:
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
