"""A broker of the tree's, the API's simulator and a daemon of this machine's build: what a trial by hand needs."""
import base64
import json
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path

from testbed import programs
from testbed.daemon import Daemon, write_private
from testbed.lines import json_lines
from testbed.node import Node
from testbed.ports import free_port
from testbed.simulator import Simulator
from testbed.waiting import eventually

from .stage import Stage

ACCOUNTS = 20
DELAYS = ["1s", "5s"]
#: Longest wait for what has to happen; it only ends what hangs.
LONGEST = 300


class Site:
    """Up when it is made, but for the daemon. `end` leaves nothing of it."""

    def __init__(self, stage: Stage, prefix: str = "leave-album", tree: Path | None = None):
        """`tree`: of the broker, if it is not the release's."""
        self.stage, self.prefix = stage, prefix
        self.directory = stage.directory
        self._ends: list[Callable[[], object]] = []
        try:
            self.node, self.management = self.broker(tree or stage.broker_tree, "broker")
            self.simulator = Simulator(stage.built / programs.SIMULATOR, self.directory)
            self._ends.append(self.simulator.stop)
            tokens = write_private(
                self.directory / "tokens", "".join(f"acc{n}\tsim:acc{n}\n" for n in range(ACCOUNTS)))
            self.daemon = Daemon(stage.built / programs.DAEMON, self.directory, {
                "broker": {"uris": [self.node.uri], "prefix": prefix},
                "api": {"base_url": self.simulator.url},
                "credentials": {"providers": ["static"]}, "credentials.static": {"token_file": str(tokens)},
                "limits": {"requests_per_day": 0, "requests_per_minute_per_account": 0, "pace": "asap"},
                "retry": {"delays": DELAYS}, "ledger": {"path": str(self.directory / "ledger.sqlite3")},
                "log": {"format": "text"}})
            self._ends.append(self.daemon.kill)
        except BaseException:
            self.end()
            raise

    def broker(self, tree: Path, name: str, more: str = "") -> tuple[Node, str]:
        """A node of that tree with the management interface and shovels, and where the first is."""
        port = free_port()
        place = self.directory / name
        configuration = self.directory / f"{name}.conf"
        configuration.write_text(f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n{more}")
        node = Node(
            place, configuration=configuration, plugins=("rabbitmq_management", "rabbitmq_shovel"), tree=tree)
        self._ends.append(node.end)
        node.start(LONGEST)
        return node, f"http://127.0.0.1:{port}"

    def end(self) -> None:
        while self._ends:
            self._ends.pop()()

    # What is asked and given

    def verify(self) -> tuple[int | None, str]:
        """`topology verify` by the management interface: exit status, and what it printed."""
        return self.daemon.command("topology", "verify", "--management", self.management)

    def verified(self) -> None:
        """Waits until nothing differs."""
        eventually("the topology is as it should be", lambda: self.verify()[0] == 0, LONGEST)

    def submit(self, name: str, accounts: Iterable[str], *options: str) -> list[str]:
        """Publishes jobs, one for each of the accounts; gives their ids."""
        jobs = [{"jobId": f"{name}{n}", "account": account, "shareToken": f"album-{name}{n}"}
                for n, account in enumerate(accounts)]
        self.daemon.order("submit", *options, text=json_lines(jobs))
        return [job["jobId"] for job in jobs]

    def depths(self, node: Node | None = None) -> dict[str, int]:
        """Messages in each of the queues, in flight or not, by the name behind the prefix."""
        lines = (node or self.node).control(
            "--quiet", "list_queues", "name", "messages", "--no-table-headers").splitlines()
        found = (line.split("\t") for line in lines if line.startswith(f"{self.prefix}."))
        return {name.removeprefix(f"{self.prefix}."): int(count) for name, count in found}

    def accounts(self, count: int) -> list[str]:
        """So many, each again when all had their turn."""
        return [f"acc{n % ACCOUNTS}" for n in range(count)]

    def shovel(self, management: str, queue: str, source: Node, target: Node) -> None:
        """Moves what is in a queue to another broker, whose management interface gets the order."""
        name = f"{self.prefix}.{queue}"
        self.manage(management, f"parameters/shovel/%2F/{name}", {"value": {
            "src-protocol": "amqp091", "src-uri": source.uri, "src-queue": name, "src-delete-after": "queue-length",
            "dest-protocol": "amqp091", "dest-uri": target.uri, "dest-queue": name, "ack-mode": "on-confirm",
            # They are there, with arguments that a shovel does not know.
            "src-predeclared": True, "dest-predeclared": True}})

    def results(self, management: str) -> list[dict]:
        """What lies in the queue of results, and stays there."""
        messages = self.manage(management, f"queues/%2F/{self.prefix}.results/get", {
            "count": 10_000, "ackmode": "ack_requeue_true", "encoding": "auto"}, method="POST")
        return [json.loads(message["payload"]) for message in messages]

    def manage(self, management: str, path: str, body: dict, method: str = "PUT") -> list | dict | None:
        """A request to a management interface as its first user; its answer."""
        request = urllib.request.Request(
            f"{management}/api/{path}", json.dumps(body).encode(), method=method,
            headers={"Content-Type": "application/json",
                     "Authorization": "Basic " + base64.b64encode(b"guest:guest").decode()})
        with urllib.request.urlopen(request, timeout=60) as answer:
            said = answer.read()
        return json.loads(said) if said else None
