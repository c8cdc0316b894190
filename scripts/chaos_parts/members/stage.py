"""What stands around several daemons: one broker, one database, one simulator, and the network of each."""
import argparse
import json
from pathlib import Path

from auditor.journal import Journal
from testbed import database as postgres
from testbed.clock import Clock
from testbed.daemon import Settings, write_private
from testbed.database import Database
from testbed.node import Node
from testbed.simulator import Simulator
from testbed.waiting import eventually

from ..environment import Environment
from ..namespace import Namespace
from . import load, plan, terms
from .daemons import Member, Members, names


class Stage(Environment):
    """Up and running when it is made; `end` leaves nothing of it."""

    def _build(self) -> None:
        options, directory = self.options, self.directory
        self.namespaces = [None] * options.members
        if options.counts.keys() & plan.PACKETS:
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
        tables = self._settings()
        ends = Journal(directory / "ends.jsonl")
        members = []
        for place, name in enumerate(names(options)):
            mine = {table: dict(values) for table, values in tables.items()}
            mine["ledger"]["instance"] = name
            is_broken = name == names(options)[-1]
            if is_broken and options.broken == "slots":
                mine["worker"]["per_account"] = 8
            home = directory / f"home-{name}"
            home.mkdir()
            has_clock = "clock_jump" in options.counts or options.broken == "gate"
            members.append(Member(name, ends, options.programs / "leave-albumd", directory, mine,
                                  self.namespaces[place], Clock(home) if has_clock else None))
            members[-1].sees_no_stop = is_broken and options.broken == "gate"
        members[0].order("ledger", "declare", "--url", self.database.owner_url, "--worker-role", postgres.WORKER)
        members[0].order("topology", "declare")
        self.daemons = Members(members[0].program, members)
        self._ends.append(self.daemons.kill)
        eventually("all daemons consume", self._is_consuming, seconds=90, every=0.3)

    def _settings(self) -> Settings:
        options, directory = self.options, self.directory
        tokens = write_private(directory / "tokens", load.token_lines(
            options.accounts, int(options.quiet_end * load.QUIET_RATE)))
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
