"""One incident: its environment, the signals that its page names, the command that the page gives."""

import shlex
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from testbed.daemon import write_private
from testbed.lines import job_states, json_lines
from testbed.node import Node
from testbed.programs import DAEMON, SIMULATOR
from testbed.prometheus import Prometheus
from testbed.simulator import Simulator
from testbed.waiting import wait

from .daemon import Daemon
from .page import Page, Signal

# Signals of a poll, two rounds of it, on a machine that does other things too.
TIMEOUT = 90


class Failed(Exception):
    pass


class Scenario:
    """`page`: what must be so. `directory`: its own. `node`: shared, with names of this scenario's own."""

    def __init__(self, page: Page, directory: Path, node: Node, programs: Path):
        self.page, self.directory, self.node, self.programs = page, directory, node, programs
        self.prefix = directory.name
        self.simulator = self.daemon = self.prometheus = None
        self.others: list[Daemon] = []
        self.seen: list[Signal] = []
        self.seconds = 0.0
        self.settled_by = ""
        self._began = None
        # Where the log was when the mending began.
        self._offset = None
        self._alerts = set()
        self._jobs = 0
        self._last = []

    # The environment

    def start(self, environment: dict[str, str] | None = None, **settings: dict) -> None:
        """The simulator, a daemon that consumes, and a Prometheus that has seen it do so."""
        self.start_daemon(environment, **settings)
        self.watch()

    def start_daemon(self, environment: dict[str, str] | None = None, **settings: dict) -> None:
        self.prepare_daemon(environment, **settings)
        self.daemon.start()
        self.daemon.await_consuming()

    def prepare_daemon(self, environment: dict[str, str] | None = None, **settings: dict) -> None:
        """The simulator, and a daemon that is not started."""
        self.simulator = Simulator(self.programs / SIMULATOR, self.directory)
        self.daemon = self.make_daemon("daemon", environment, **settings)

    def watch(self) -> None:
        """The daemons of now; each of them must answer."""
        self.prometheus = Prometheus(self.directory, [daemon.port for daemon in [self.daemon, *self.others]])
        self.must(wait(lambda: self.prometheus.has_seen(3), 60), "Prometheus does not reach the daemon")

    def add_daemon(self, name: str, **settings) -> Daemon:
        """A second one, which is started."""
        daemon = self.make_daemon(name, **settings)
        self.others.append(daemon)
        daemon.start()
        return daemon

    def before_end(self, action: Callable[[], object]) -> None:
        """At the end, before what was to be done there so far."""
        self._last.insert(0, action)

    def at_end(self, action: Callable[[], object]) -> None:
        self._last.append(action)

    def make_daemon(
        self, name: str, environment: dict[str, str] | None = None, uri: str | None = None, **settings: dict
    ) -> Daemon:
        directory = self.directory / name
        directory.mkdir()
        tokens = write_private(directory / "token", "sim:everybody\n")
        tables = {
            "broker": {"uris": [uri or self.node.uri], "prefix": self.prefix, "heartbeat": "2s"},
            "api": {"base_url": self.simulator.url},
            "credentials": {"providers": ["static"]},
            "credentials.static": {"token_file": str(tokens)},
            "worker": {"drain_timeout": "10s"},
            "limits": {"requests_per_minute_per_account": 0, "requests_per_day": 0, "pace": "asap"},
            "retry": {"delays": ["1s", "2s"]},
            "ledger": {"path": str(directory / "ledger.sqlite3")},
            "log": {"format": "text"},
        }
        for table, values in settings.items():
            tables.setdefault(table.replace("__", "."), {}).update(values)
        if "url" in tables["ledger"]:
            del tables["ledger"]["path"]
        return Daemon(self.programs / DAEMON, directory, tables, environment)

    def end(self) -> None:
        for part in (self.prometheus, self.simulator):
            if part:
                part.stop()
        for daemon in [self.daemon, *self.others]:
            if daemon:
                daemon.remove()
        for action in self._last:
            action()
        shutil.rmtree(self.directory, ignore_errors=True)

    # Jobs

    def jobs(self, count: int, token: str | None = None, account: str | None = None) -> list[dict]:
        """Jobs of as many accounts, or of one. `token`: their albums' names begin so."""
        made = []
        for _ in range(count):
            self._jobs += 1
            made.append({"jobId": f"{self.prefix}-{self._jobs}", "account": account or f"user{self._jobs}",
                         "shareToken": f"{token or 'album'}-{self._jobs}"})
        return made

    def submit(self, jobs: list[dict], daemon: Daemon | None = None) -> None:
        (daemon or self.daemon).order("submit", text=json_lines(jobs))

    def await_in_flight(self) -> None:
        self.must(wait(lambda: self.daemon.metric("leave_album_in_flight") > 0, 30), "no job is under way")

    def states(self, jobs: list[dict], daemon: Daemon | None = None) -> dict[str, int]:
        """The states of jobs by the ledger: state → how many."""
        path = self.directory / "asked.jsonl"
        path.write_text(json_lines(jobs))
        _, said = (daemon or self.daemon).command("reconcile", "--file", str(path), "--summary", "--json")
        return job_states(said)

    def await_left(self, jobs: list[dict], daemon: Daemon | None = None, seconds: float = TIMEOUT) -> None:
        found = {}

        def all_left():
            found.clear()
            found.update(self.states(jobs, daemon))
            return found.get("left") == len(jobs)
        self.must(wait(all_left, seconds, every=1), f"not all {len(jobs)} jobs ended with their user out: {found}")

    # What is seen

    def must(self, holds: object, otherwise: str) -> None:
        if not holds:
            raise Failed(otherwise)

    def provoked(self) -> None:
        """What is seen counts from here on."""
        self._began = time.monotonic()
        self._marks = {daemon: daemon.log_size() for daemon in [self.daemon, *self.others]}

    def sees(self, *words: str, of: Daemon | None = None, seconds: float = TIMEOUT) -> None:
        """Waits for every signal of the page whose text has one of the words, or for all. `of`: another daemon."""
        daemon = of or self.daemon
        missing = self.page.having(words)

        def look():
            metrics = alerts = None
            for signal in list(missing):
                if signal.place == "metric":
                    metrics = daemon.metrics() if metrics is None else metrics
                    found = any(signal.is_in(line) for line in metrics)
                elif signal.place == "alert":
                    alerts = self.prometheus.alerts() if alerts is None else alerts
                    found = signal.text in alerts
                elif signal.place == "STATUS":
                    found = any(signal.is_in(text) for at, text in list(daemon.statuses) if at >= self._began)
                else:
                    found = any(signal.is_in(line) for line in daemon.log(self._marks.get(daemon, 0)))
                if found:
                    missing.remove(signal)
                    self._note(signal)
            return not missing
        found = wait(look, seconds, every=0.3)
        self.seconds = max(self.seconds, time.monotonic() - self._began)
        self.must(found, "not seen: " + "; ".join(map(str, missing)) + f". STATUS is {daemon.status}; the log ends "
                  + " | ".join(daemon.log()[-3:]))

    def awaits_metric(self, line: str, seconds: float = TIMEOUT) -> bool:
        """Whether the daemon's metrics have the line in time."""
        return wait(lambda: line in self.daemon.metrics(), seconds, every=1)

    def _note(self, signal: Signal) -> None:
        self.page.seen.add(signal)
        self.seen.append(signal)
        if signal.place == "alert":
            self._alerts.add(signal.text)

    # What settles it

    def settle(self, daemon: Daemon | None = None, **placeholders: str) -> str:
        """Gives the page's command; a word in capitals stands for what the scenario knows. Returns what it printed."""
        daemon = daemon or self.daemon
        self.settled_by = self.page.command
        self.mended()
        said = ""
        for command in self.page.command.split(" && "):
            words = [placeholders.get(word, word) for word in shlex.split(command)]
            if words[:2] == ["runuser", "-u"]:
                words = words[words.index("--") + 1:]
            if words[0] == "systemctl":
                self.must(words[-1] == "leave-albumd", f"{command} is of another unit")
                daemon.systemctl(words[1:-1])
                continue
            self.must(words[0] == "leave-albumd", f"no scenario can give {command}")
            said += daemon.order(*words[1:])
        return said

    def mended(self) -> None:
        """The cause is mended elsewhere; from here on the daemon shows that all is well."""
        if self._offset is None:
            self._offset = self.daemon.log_size()

    def is_well(self, *lines: str, lasting: tuple[str, ...] | list[str] = (), seconds: float = TIMEOUT) -> None:
        """STATUS says `consuming`, the log has the lines, and the alerts are gone but for those that look back."""
        for line in lines:
            self.must(self.daemon.await_logged(line, seconds, self._offset),
                      f"the log does not say {line!r}: " + " | ".join(self.daemon.log(self._offset)[-4:]))
        self.must(wait(lambda: self.daemon.status.startswith("consuming"), seconds),
                  f"STATUS is {self.daemon.status}")
        stays = self._alerts - set(lasting)
        self.must(wait(lambda: not stays & self.prometheus.alerts(), seconds, every=1),
                  f"still true: {', '.join(sorted(stays & self.prometheus.alerts()))}")
