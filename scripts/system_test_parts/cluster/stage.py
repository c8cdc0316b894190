"""Three hosts: two workers, the first with broker and API, and a database."""
import json
import os
import shutil
import time

from testbed.waiting import wait

from .. import installing, leaving, tree
from ..container import Container
from ..report import Report
from ..surroundings import SIMULATOR_PORT
from ..worker import SETTINGS_TEXT, Worker
from .database import NAME, DatabaseHost
from .network import PREFIX, Network
from .page import Instructions

DATABASE, FIRST, SECOND = f"{PREFIX}.10", f"{PREFIX}.11", f"{PREFIX}.12"
HOSTS = {NAME: DATABASE, "broker.example": FIRST}
AUTHORITY = "/etc/leave-albumd/ledger-ca.pem"

# The API is on the first host, and plain HTTP is for a daemon's own host only.
PROXY = {
    "api.socket": f"[Socket]\nListenStream=127.0.0.1:{SIMULATOR_PORT}\n[Install]\nWantedBy=sockets.target\n",
    "api.service": f"[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd {FIRST}:{SIMULATOR_PORT}\n",
}


class Stage:
    def __init__(self, cache: str, suite: str, dependencies: str, deb: str, scratch: str):
        self.deb, self.scratch = deb, scratch
        self._containers: list[Container] = []
        self.instructions = Instructions()
        try:
            hub = self._boot("database", tree.archive(cache, suite, "", tree.DATABASE_PACKAGES))
            self.network = Network(hub, DATABASE)
            self.database = DatabaseHost(hub, scratch)
            workers = tree.archive(cache, suite, dependencies)
            self.first = Worker(self._boot("worker-1", workers))
            self.second = Worker(self._boot("worker-2", workers, without="rabbitmq-server.service"))
            self.network.connect(self.first.container, FIRST)
            self.network.connect(self.second.container, SECOND)
        except BaseException:
            self.end()
            raise

    @property
    def workers(self) -> list[Worker]:
        return [self.first, self.second]

    def _boot(self, name: str, archive: str, without: str | None = None) -> Container:
        directory = os.path.join(self.scratch, name)
        tree.unpack(archive, directory)
        shutil.copy(self.deb, os.path.join(directory, "var/tmp"))
        if without:
            os.symlink("/dev/null", os.path.join(directory, "etc/systemd/system", without))
        container = Container(directory, name, HOSTS)
        self._containers.append(container)
        return container

    def end(self) -> None:
        for container in reversed(self._containers):
            container.stop()

    # As the page has it

    def install(self, report: Report) -> None:
        """Up to the settings of both, with broker and API."""
        key = os.urandom(32).hex()
        for number, worker in enumerate(self.workers, 1):
            leaving.install(worker.container, self.deb)
            worker.write(AUTHORITY, self.database.authority, mode=0o644)
            installing.secrets(worker, key)
            worker.secret("ledger-password", self.database.worker_password)
            worker.settings(self._settings(f"worker-{number}"))
        installing.prepare_broker(self.first, report)
        self.first.start_simulator("0.0.0.0")
        self.first.expect_client_secret("first-client-secret")
        for name, text in PROXY.items():
            self.second.write(f"/etc/systemd/system/{name}", text, mode=0o644)
        self.second.container.run("systemctl", "daemon-reload")
        self.second.container.run("systemctl", "enable", "--now", "api.socket")

    def _settings(self, name: str) -> str:
        shared = SETTINGS_TEXT.replace("amqp://127.0.0.1", "amqp://broker.example").replace(
            "[credentials.store]\n", '[credentials.store]\nbackend = "ledger"\n')
        own = self.instructions.settings.replace("worker-1", name)
        return f'{shared}{own}[ledger.tls]\nca_file = "{AUTHORITY}"\n'

    def declare(self) -> str:
        """Gives what it printed."""
        done = self.first.container.run(
            "bash", "-ec", self.instructions.declare.replace("PASSWORD", self.database.owner_password))
        return done.stdout

    # What is seen

    def members(self) -> list[dict]:
        """What the first worker's command says, oldest first."""
        return json.loads(self.first.albumd("ledger", "members", "--json").stdout)["members"]

    def states(self, name: str) -> list[str]:
        """Of each life of a worker, oldest first."""
        return [member["state"] for member in self.members() if member["name"] == name]

    def await_state(self, name: str, state: str, seconds: float) -> float | None:
        """How long until the newest life of a worker is in that state; None if it does not come to that."""
        began = time.monotonic()
        found = wait(lambda: self.states(name)[-1:] == [state], seconds, every=0.5)
        return time.monotonic() - began if found else None

    def power_cut(self, worker: Worker) -> None:
        """The host is gone from one moment to the next, and nobody is told."""
        self.network.cut(worker.container)
        worker.container.kill()

    def power_on(self, worker: Worker) -> None:
        worker.container.boot()
        self.network.connect(worker.container, SECOND if worker is self.second else FIRST)

    def mend(self) -> None:
        """After a scenario that broke off: three hosts that work, as far as that can be had."""
        self.database.container.run("systemctl", "start", "postgresql", check=False)
        for worker in self.workers:
            if not worker.container.is_running:
                self.power_on(worker)
            worker.container.run("systemctl", "restart", "leave-albumd.service", check=False)
