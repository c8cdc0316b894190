"""The daemon under test, with what it needs: settings, secrets, what is around, jobs."""
import os
import subprocess

from .container import Container
from .jobs import SECRETS, SETTINGS, Jobs
from .surroundings import SIMULATOR_PORT, Surroundings
from .unit import Unit

SETTINGS_TEXT = f"""\
[broker]
uris = ["amqp://127.0.0.1"]
username = "leave-album-worker"
password_file = "broker-password"
topology = "verify"
[broker.operator]
username = "leave-album-operator"
password_file = "operator-password"
[api]
base_url = "http://127.0.0.1:{SIMULATOR_PORT}"
[credentials]
providers = ["store"]
[credentials.store]
key_file = "store-key"
client_id = "system-test.apps.example"
client_secret_file = "client-secret"
token_url = "http://127.0.0.1:{SIMULATOR_PORT}/token"
[limits]
requests_per_minute_per_account = 0
requests_per_day = 0
pace = "asap"
[retry]
delays = ["1s", "5s", "30s"]
[log]
level = "info"
"""


class Worker(Surroundings, Unit, Jobs):
    """Knows the unit by systemd, its jobs by the broker and the simulator's journal."""

    def __init__(self, container: Container):
        self.container = container
        self._batch = 0
        self._after = None

    def write(self, path: str, text: str | None, mode: int = 0o600) -> None:
        """A file of root inside; one that is there keeps owner and mode."""
        outside = self.container.path(path)
        is_new = not os.path.exists(outside)
        with open(outside, "w") as file:
            file.write(text)
        if is_new:
            os.chmod(outside, mode)

    def settings(self, text: str | None = SETTINGS_TEXT) -> None:
        self.write(SETTINGS, text)

    def secret(self, name: str, value: str) -> None:
        self.write(f"{SECRETS}/{name}", value + "\n")

    def albumd(self, *arguments: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess:
        """A command as root gives it, with the secrets where the unit has them."""
        return self.container.run(
            "leave-albumd", *arguments, check=check, text=text, environment={"CREDENTIALS_DIRECTORY": SECRETS})

    def albumd_as_daemon(self, *arguments: str, text: str | None) -> subprocess.CompletedProcess:
        """A command as the daemon's user with the daemon's secrets: what it writes is the daemon's."""
        loads = [f"--property=LoadCredential={name}:{SECRETS}/{name}"
                 for name in ("broker-password", "operator-password", "store-key", "client-secret")]
        return self.container.run(
            "systemd-run", "--quiet", "--pipe", "--wait", "--uid=leave-albumd", "--gid=leave-albumd", *loads,
            "/usr/bin/leave-albumd", *arguments, text=text)
