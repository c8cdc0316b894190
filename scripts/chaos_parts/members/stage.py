"""What stands around several daemons: one broker, one database, one simulator, and the network of each."""
import argparse
import json
import sys
from pathlib import Path

from auditor.journal import Journal
from testbed import database as postgres
from testbed import processes
from testbed.clock import Clock
from testbed.daemon import Settings, write_private
from testbed.database import Database
from testbed.node import Node
from testbed.simulator import Simulator
from testbed.waiting import eventually

from ..environment import Environment
from ..namespace import Namespace
from ..wire import Wire
from . import broken, lies, load, plan, terms, watch
from .daemons import Member, Members, names


class Stage(Environment):
    """Up and running when it is made; `end` leaves nothing of it."""

    def _build(self) -> None:
        options, directory = self.options, self.directory
        watching = processes.spawn(
            [sys.executable, "-B", watch.__file__, directory / "stalls.jsonl"], directory / "watch.out")
        self._ends.append(lambda: processes.end(watching))
        self.namespaces = [None] * options.members
        # Without one the API sees one address of all, and the auditor cannot tell them apart.
        if plan.has_namespaces():
            for place in range(options.members):
                self.namespaces[place] = Namespace(place, is_direct=True)
                self._ends.append(self.namespaces[place].end)
        networks = [f"{namespace.inner}/32" for namespace in self.namespaces if namespace]
        (directory / "broker").mkdir(parents=True)
        configuration = directory / "broker.conf"
        # Who comes from a network of its own is none of this machine to the broker.
        configuration.write_text("loopback_users = none\n" if networks else "")
        self.node = Node(directory / "broker", configuration=configuration)
        self._ends.append(self.node.end)
        self.node.start()
        self.database = Database(directory / "database", networks=networks, is_durable=options.durable)
        self._ends.append(self.database.end)
        self.database.start()
        self.database.prepare()
        self.simulator = Simulator(
            options.programs / "photos-simulator", directory, "--seed", options.seed, "--latency", options.latency,
            "--ends", directory / "over.jsonl")
        self._ends.append(self.simulator.stop)
        self.limits: list[tuple[int, int]] = [(0, options.day_limit)] if options.day_limit else []
        self.write_terms()
        ends = Journal(directory / "ends.jsonl")
        members = [self._member(name, place, ends) for place, name in enumerate(names(options))]
        members[0].order("ledger", "declare", "--url", self.database.owner_url, "--worker-role", postgres.WORKER)
        if options.broken:
            self._break(members[-1], broken.KINDS[options.broken])
        members[0].order("topology", "declare")
        self.daemons = Members(members[0].program, members)
        self._ends.append(self.daemons.kill)
        eventually("all daemons consume", self._is_consuming, seconds=90, every=0.3)

    def _member(self, name: str, place: int, ends: Journal) -> Member:
        options, tables = self.options, self._settings()
        tables["ledger"]["instance"] = name
        home = self.directory / f"home-{name}"
        home.mkdir()
        has_clock = "clock_jump" in options.counts or options.broken and broken.KINDS[options.broken].is_blind
        return Member(name, ends, options.programs / "leave-albumd", self.directory, tables, self.namespaces[place],
                      Clock(home) if has_clock else None)

    def _break(self, member: Member, kind: broken.Broken) -> None:
        kind.change(member.settings)
        member.is_blind = kind.is_blind
        if kind.is_blind:
            wire = Wire(self.database.port)
            self._ends.append(wire.stop)
            wire.slow(broken.BLIND_DELAY)
            member.settings["ledger"]["url"] = self.database.worker_url_of(postgres.DATABASE, wire.port)
        if kind.lies:
            self.database.add_worker(lies.ROLE)
            for sql in kind.lies:
                self.database.run(sql, postgres.DATABASE)
            member.settings["ledger"]["url"] = self.database.worker_url_of(postgres.DATABASE, role=lies.ROLE)
        if kind.is_apart:
            self.database.add("apart")
            member.settings["ledger"]["url"] = self.database.worker_url_of("apart")
            member.order("ledger", "declare", "--url", self.database.owner_url_of("apart"), "--worker-role",
                         postgres.WORKER)
        member.write()

    def _settings(self) -> Settings:
        options, directory = self.options, self.directory
        tokens = write_private(directory / "tokens", load.token_lines(
            options.accounts, load.quiet_count(options.quiet_end)))
        return {
            "broker": {"uris": [self.node.uri], "prefix": self.prefix, "heartbeat": "2s", "confirm_timeout": "5s"},
            "api": {"base_url": self.simulator.url, "timeout": terms.settings(terms.TIMEOUT_MS),
                    "connect_timeout": "1s"},
            "credentials": {"providers": ["static"]},
            "credentials.static": {"token_file": str(tokens)},
            "worker": {"concurrency": options.concurrency, "drain_timeout": "8s", "per_account": 1},
            "limits": {"requests_per_day": options.day_limit, "requests_per_minute_per_account": 0, "pace": "asap",
                       "day_zone": "UTC"},
            "retry": {"delays": ["1s", "3s", "9s"], "max_attempts": 8},
            "ledger": {"url": self.database.worker_url,
                       "password_file": str(self.database.password_file(directory)),
                       "send_window": terms.settings(terms.SEND_WINDOW_MS), "grace": terms.settings(terms.GRACE_MS)},
            "log": {"level": options.log_level, "format": "json"},
        }

    def await_claims(self, member: Member) -> None:
        """Until this member has claims that it does not know of yet."""
        self.database.run(broken.AWAIT_CLAIMS.replace("NAME", member.slot), postgres.DATABASE)

    def lift_holds(self) -> None:
        """But for that of the day: nobody has to say more than the limit that is raised."""
        status = self.daemons.status()
        for hold in (status or {}).get("holds", []):
            if hold.get("nextProbeAt") and hold["cause"] != "quota_day":
                self.daemons.operate("resume", hold["cause"])

    def links(self, kind: str) -> list[int]:
        return {"drop_broker": [self.node.port], "drop_api": [self.simulator.port],
                "drop_database": [self.database.port]}[kind]

    def calls(self) -> int:
        """Of the API so far."""
        return self.simulator.counters().get("calls", 0)

    def write_terms(self) -> None:
        """For the auditor."""
        peers = {namespace.inner: name for namespace, name in zip(self.namespaces, names(self.options)) if namespace}
        (self.directory / "terms.json").write_text(json.dumps({
            "send_window": terms.SEND_WINDOW_MS, "timeout": terms.TIMEOUT_MS, "grace": terms.GRACE_MS, "peers": peers,
            "limits": self.limits}))

    def versions(self) -> dict[str, str]:
        return dict(super().versions(), postgresql=self.database.version())
