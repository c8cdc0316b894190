"""What stands around several daemons: a broker and a database, each of three servers where one is to be killed at a
time; one simulator, and the network of each."""
import json
import sys

from auditor.journal import Journal
from testbed import processes, roles
from testbed.clock import Clock
from testbed.daemon import Settings, write_private
from testbed.database import Database
from testbed.database_cluster import DatabaseCluster
from testbed.node import Node
from testbed.simulator import Simulator
from testbed.waiting import eventually
from testbed.wire import Wire

from ..cluster import Cluster
from ..environment import Environment
from ..namespace import Namespace
from . import broken, lies, load, plan, terms, watch
from .daemons import Member, Members, names

#: Looks of half a second at least, at which nothing waited: a lease is over meanwhile, and the longest retry.
LOOKS_LOST = 2 * (terms.LEASE_SECONDS + max(terms.DELAYS_MS) / 1000)


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
        self.node = self._broker(networks)
        self._ends.append(self.node.end)
        self.node.start()
        self.database = self._database(networks)
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
        members[0].order("ledger", "declare", "--url", self.database.owner_url, "--worker-role", roles.WORKER)
        if options.broken:
            self._break(members[-1], broken.KINDS[options.broken])
        members[0].order("topology", "declare")
        self.daemons = Members(members[0].program, members)
        self._ends.append(self.daemons.kill)
        eventually("all daemons consume", self._is_consuming, seconds=240, every=0.3)

    def _broker(self, networks: list[str]) -> Node | Cluster:
        # Who comes from a network of its own is none of this machine to the broker.
        said = "loopback_users = none\n" if networks else ""
        if self.options.failover:
            return Cluster(self.directory / "broker", self.options.seed, said)
        (self.directory / "broker").mkdir(parents=True)
        configuration = self.directory / "broker.conf"
        configuration.write_text(said)
        return Node(self.directory / "broker", configuration=configuration)

    def _database(self, networks: list[str]) -> Database | DatabaseCluster:
        options, directory = self.options, self.directory / "database"
        if options.failover:
            return DatabaseCluster(
                directory, networks, not options.asynchronous, options.durable, "primary_cut_off" in options.counts)
        return Database(directory, networks=networks, is_durable=options.durable)

    def _member(self, name: str, place: int, ends: Journal) -> Member:
        options, tables = self.options, self._settings()
        tables["ledger"]["instance"] = name
        if options.failover and not options.asynchronous:
            tables["ledger"]["replication"] = "required"
        # Each begins at another node.
        uris = tables["broker"]["uris"]
        tables["broker"]["uris"] = uris[place % len(uris):] + uris[:place % len(uris)]
        home = self.directory / f"home-{name}"
        home.mkdir()
        has_clock = "clock_jump" in options.counts or options.broken and broken.KINDS[options.broken].is_blind
        program = (options.beside or options.programs) / "leave-albumd"
        return Member(name, ends, program, self.directory, tables, self.namespaces[place],
                      Clock(home) if has_clock else None)

    def _break(self, member: Member, kind: broken.Broken) -> None:
        kind.change(member.settings)
        member.is_blind = kind.is_blind
        if kind.is_blind:
            wire = Wire(self.database.port)
            self._ends.append(wire.stop)
            wire.slow(broken.BLIND_DELAY)
            member.settings["ledger"]["url"] = self.database.worker_url_of(roles.DATABASE, wire.port)
        if kind.lies:
            self.database.add_worker(lies.ROLE)
            for sql in kind.lies:
                self.database.run(sql, roles.DATABASE)
            member.settings["ledger"]["url"] = self.database.worker_url_of(roles.DATABASE, role=lies.ROLE)
        if kind.is_apart:
            self.database.add("apart")
            member.settings["ledger"]["url"] = self.database.worker_url_of("apart")
            member.order("ledger", "declare", "--url", self.database.owner_url_of("apart"), "--worker-role",
                         roles.WORKER)
        member.write()

    def _settings(self) -> Settings:
        options, directory = self.options, self.directory
        tokens = write_private(directory / "tokens", load.token_lines(
            options.accounts, load.quiet_count(options.quiet_end)))
        return {
            "broker": {"uris": [f"amqp://127.0.0.1:{port}" for port in self.node.ports], "prefix": self.prefix,
                       "heartbeat": "2s", "confirm_timeout": "5s"},
            "api": {"base_url": self.simulator.url, "timeout": terms.settings(terms.TIMEOUT_MS),
                    "connect_timeout": "1s"},
            "credentials": {"providers": ["static"]},
            "credentials.static": {"token_file": str(tokens)},
            "worker": {"concurrency": options.concurrency, "drain_timeout": "8s", "per_account": 1},
            "limits": {"requests_per_day": options.day_limit, "requests_per_minute_per_account": 0, "pace": "asap",
                       "day_zone": "UTC"},
            "retry": {"delays": [terms.settings(delay) for delay in terms.DELAYS_MS], "max_attempts": 8},
            "ledger": {"url": self.database.worker_url,
                       "password_file": str(self.database.password_file(directory)),
                       "send_window": terms.settings(terms.SEND_WINDOW_MS), "grace": terms.settings(terms.GRACE_MS)},
            "log": {"level": options.log_level, "format": "json"},
        }

    def await_claims(self, member: Member) -> None:
        """Until this member has claims that it does not know of yet."""
        self.database.run(broken.AWAIT_CLAIMS.replace("NAME", member.slot), roles.DATABASE)

    def lift_holds(self) -> None:
        """But for that of the day: nobody has to say more than the limit that is raised."""
        status = self.daemons.status()
        for hold in (status or {}).get("holds", []):
            if hold.get("nextProbeAt") and hold["cause"] != "quota_day":
                self.daemons.operate("resume", hold["cause"])

    def links(self, kind: str) -> list[int]:
        return {"drop_broker": self.node.ports, "drop_api": [self.simulator.port],
                "drop_database": list(self.database.ports)}[kind]

    def calls(self) -> int:
        """Of the API so far."""
        return self.simulator.counters().get("calls", 0)

    def write_terms(self) -> None:
        """For the auditor."""
        peers = {namespace.inner: name for namespace, name in zip(self.namespaces, names(self.options)) if namespace}
        (self.directory / "terms.json").write_text(json.dumps({
            "send_window": terms.SEND_WINDOW_MS, "timeout": terms.TIMEOUT_MS, "grace": terms.GRACE_MS,
            "longest_delay": max(terms.DELAYS_MS), "peers": peers, "limits": self.limits}))

    def _are_over(self, count: int | None, still: int) -> bool:
        """A job whose end was lost in a failover stays open: its message is acked."""
        return super()._are_over(count, still) or self.options.asynchronous and count is not None and still > LOOKS_LOST

    def remembered(self) -> dict[str, list[str]]:
        """What the ledger knows of jobs: those that ended, and those that did not."""
        return {name: self.database.run(
            f"SELECT convert_from(job_id, 'UTF8') FROM leave_album.jobs WHERE {what}", roles.DATABASE).split()
            for name, what in (("ended", "finished"), ("open", "NOT finished"))}

    def versions(self) -> dict[str, str]:
        return dict(super().versions(), postgresql=self.database.version())
