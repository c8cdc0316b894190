"""scripts/demo --cluster: three daemons on one ledger, of which one is killed in the middle."""
import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from pika.adapters.blocking_connection import BlockingChannel

from chaos_parts.channel import channel
from testbed import roles
from testbed.daemon import Daemon, write_private
from testbed.database import Database
from testbed.lines import json_lines
from testbed.node import Node
from testbed.programs import exit_on_sigterm
from testbed.simulator import Simulator
from testbed.waiting import eventually

from .outcome import JobOutcome, counts, gather

NAMES = ("a", "b", "c")
#: Short, so that nobody waits long for the lease of the one that is killed: 1 s to begin, 2 s to call, 1 s of grace.
SEND_WINDOW, TIMEOUT, GRACE = "1s", "2s", "1s"
ACCOUNTS = 60
#: So long is a call that some are under way at any moment.
LATENCY_MS = 60
PREFIX = "demo"
#: How many of those that the killed daemon was calling for are shown.
SHOWN = 12


def step(text: str) -> None:
    print(f"\n== {text}", flush=True)


class Demo:
    def __init__(self, directory: Path, programs: Path, jobs: int):
        self.directory, self.programs = directory, programs
        self.names = [f"job-{number}" for number in range(1, jobs + 1)]
        self._ends = []

    def end(self) -> None:
        while self._ends:
            self._ends.pop()()

    # MARK: What they stand on

    def surround(self) -> None:
        step("starting a private PostgreSQL")
        self.database = Database(self.directory / "database")
        self._ends.append(self.database.end)
        self.database.start()
        self.database.prepare()
        print(f"PostgreSQL {self.database.version()}; role {roles.OWNER} will own the schema, role "
              f"{roles.WORKER} works with it and can alter nothing")
        step("starting a private RabbitMQ")
        self.node = Node(self.directory / "broker")
        self._ends.append(self.node.end)
        self.node.start()
        print(f"RabbitMQ {self.node.version()}")
        step("starting the API's simulator")
        self.simulator = Simulator(self.programs / "photos-simulator", self.directory, "--latency", LATENCY_MS)
        self._ends.append(self.simulator.stop)
        print(self.simulator.url)

    def configure(self) -> None:
        tokens = write_private(
            self.directory / "tokens", "".join(f"user{n}\tsim:user{n}\n" for n in range(ACCOUNTS)))
        password = self.database.password_file(self.directory)
        self.daemons = {name: Daemon(self.programs / "leave-albumd", self.directory, {
            "broker": {"uris": [self.node.uri], "prefix": PREFIX},
            "api": {"base_url": self.simulator.url, "timeout": TIMEOUT, "connect_timeout": "1s"},
            "credentials": {"providers": ["static"]},
            "credentials.static": {"token_file": str(tokens)},
            "limits": {"requests_per_minute_per_account": 0, "pace": "asap"},
            "retry": {"delays": ["1s", "2s"]},
            "ledger": {"url": self.database.worker_url, "password_file": str(password), "instance": name,
                       "send_window": SEND_WINDOW, "grace": GRACE},
            "log": {"format": "json"},
        }, name=f"daemon-{name}") for name in NAMES}

    def declare(self) -> None:
        step(f"leave-albumd ledger declare --url postgresql://{roles.OWNER}@… --worker-role {roles.WORKER}")
        print(self.daemons["a"].order(
            "ledger", "declare", "--url", self.database.owner_url, "--worker-role", roles.WORKER).strip())

    def start(self) -> None:
        step("starting three daemons: a, b and c")
        self.daemons["a"].order("topology", "declare")
        for daemon in self.daemons.values():
            daemon.start()
            self._ends.append(daemon.kill)
        for name, daemon in self.daemons.items():
            eventually(f"{name} consumes", lambda daemon=daemon: self._consumes(daemon), seconds=60)
        # Each says it of itself to the others when the database hears of it next.
        eventually("each is known to the others", lambda: self._members("b").count("consuming") == len(NAMES), every=0.5)
        self.show_members("b")

    @staticmethod
    def _consumes(daemon: Daemon) -> bool:
        if not daemon.is_running:
            raise RuntimeError("\n".join(["a daemon ended:", *daemon.log()[-5:]]))
        code, text = daemon.command("status", "--json", seconds=10)
        return code == 0 and json.loads(text)["state"] == "consuming"

    def show_members(self, name: str) -> None:
        step(f"leave-albumd ledger members, asked of {name}")
        print(self._members(name))

    def _members(self, name: str) -> str:
        return self.daemons[name].order("ledger", "members").rstrip()

    # MARK: What happens

    def publish(self) -> None:
        twice = self.names[::20]
        step(f"{len(self.names)} jobs of {ACCOUNTS} accounts, {len(twice)} of them published twice")
        self.began = time.monotonic()
        self.daemons["c"].order("submit", "--bulk", text=json_lines(
            {"jobId": name, "account": f"user{self.names.index(name) % ACCOUNTS}", "shareToken": f"album-{name}"}
            for name in [*self.names, *twice]))

    def kill(self) -> None:
        """When some third of them is done, and many are in its hands."""
        third = len(self.names) // 3
        eventually("a third of the users has left", lambda: self.simulator.counters()["left"] >= third, seconds=120,
                   every=0.01)
        step("kill -9 of daemon a, in the middle of its calls")
        self.before = self.simulator.counters()
        self.killed_at = time.monotonic()
        self.daemons["a"].kill()
        print(f"{self.before['left']} users had left; the others of its jobs are b's and c's now")

    def wait(self) -> None:
        eventually("every job has its result", lambda: self._result_count() >= len(self.names), seconds=180, every=0.2)
        print(f"the last result came {time.monotonic() - self.killed_at:.1f} s after the kill, "
              f"{time.monotonic() - self.began:.1f} s after the first job")
        self.show_members("b")

    def _result_count(self) -> int:
        with self._channel() as asking:
            return asking.queue_declare(f"{PREFIX}.results", passive=True).method.message_count

    def _channel(self) -> AbstractContextManager[BlockingChannel]:
        return channel([self.node.port])

    # MARK: What became of them

    def results(self) -> Iterable[tuple[str, str]]:
        with self._channel() as asking:
            while True:
                method, properties, body = asking.basic_get(f"{PREFIX}.results", auto_ack=True)
                if method is None:
                    return
                yield properties.message_id, body.decode()

    def tell(self) -> list[str]:
        """Prints what became of the jobs. Gives what is not as it must be."""
        calls = [json.loads(line) for line in self.simulator.journal.read_text().splitlines()]
        jobs = gather(self.names, self.results(), (call for call in calls if call["method"] in ("leave", "get")))
        asked = [job for job in jobs.values() if job.was_asked]
        step("what became of the jobs")
        rows = [("jobs", len(self.names)), ("with one result, the same bytes in each copy",
                                             sum(len(job.bodies) == 1 for job in jobs.values())),
                *((f"outcome {outcome}", count) for outcome, count in counts(jobs.values()).items()),
                ("users who left, as the API saw it", sum(job.effects for job in jobs.values())),
                ("calls", sum(job.calls.count("leave") for job in jobs.values())),
                ("albums asked, because a call may have gone unheard", len(asked)),
                ("calls again, of those that still were members",
                 sum(job.calls.count("leave") > 1 for job in asked))]
        for what, count in rows:
            print(f"{what:52}{count:>6}")
        if asked:
            step("those that daemon a was calling for" + (f", {SHOWN} of {len(asked)}" if len(asked) > SHOWN else ""))
            print(f"{'JOB':14}{'OUTCOME':16}{'EFFECT':10}WHAT THE API SAW")
            for job in asked[:SHOWN]:
                print(f"{job.name:14}{job.result.get('outcome', '-'):16}{job.result.get('effect', '-'):10}"
                      + ", ".join({"leave": "call", "get": "question"}[call] for call in job.calls))
            step(f"the history of one: leave-albumd job {asked[0].name}, asked of c")
            print(self.daemons["c"].order("job", asked[0].name).rstrip())
        problems = [problem for job in jobs.values() for problem in job.problems()]
        if not asked:
            problems.append("the kill fell between calls: nothing was shown; try again with more jobs")
        return problems

    def stop(self) -> list[str]:
        step("stopping")
        problems = []
        for name in NAMES[1:]:
            status = self.daemons[name].stop()
            print(f"daemon {name} exited with {status}")
            if status != 0:
                problems.append(f"daemon {name} exited with {status}")
        code, text = self.daemons["b"].command("ledger", "verify")
        print(text.strip())
        if code != 0:
            problems.append(f"ledger verify exited with {code}")
        return problems

    def last_lines(self) -> None:
        for name, daemon in getattr(self, "daemons", {}).items():
            if daemon.log_path.exists():
                print(f"the last lines of daemon {name}:", *daemon.log()[-8:], sep="\n", file=sys.stderr)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo --cluster")
    parser.add_argument("--jobs", type=int, default=600)
    parser.add_argument("--programs", type=Path, required=True)
    options = parser.parse_args(arguments)
    exit_on_sigterm()
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    directory = Path(tempfile.mkdtemp(prefix="demo-"))
    demo = Demo(directory, options.programs, options.jobs)
    try:
        demo.surround()
        demo.configure()
        demo.declare()
        demo.start()
        demo.publish()
        demo.kill()
        demo.wait()
        problems = demo.tell() + demo.stop()
    except BaseException:
        demo.last_lines()
        raise
    finally:
        demo.end()
        shutil.rmtree(directory, ignore_errors=True)
    if problems:
        print("\nnot as it must be:", *problems[:20], sep="\n  ", file=sys.stderr)
        return 1
    print("\nnothing lost, nobody called for who had left, one result each")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
