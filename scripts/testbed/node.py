"""A RabbitMQ node of one's own: it lives in a directory and listens on a free port of 127.0.0.1.

Its programs are this machine's, or those of a Debian tree that LEAVE_ALBUMD_BROKER_TREE names: another release.
`python3 -m testbed.node DIRECTORY` holds one for a shell, see scripts/private-broker.
"""
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from . import debian, ports, processes
from .waiting import NotReady, eventually

#: Names a tree whose broker is started in the place of this machine's, as the Swift tests have it.
TREE_VARIABLE = "LEAVE_ALBUMD_BROKER_TREE"
#: Taken out of the environment, where a daemon refuses what has its prefix and is no setting.
_TREE = os.environ.pop(TREE_VARIABLE, None)
SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
ERL_CALL = "/usr/lib/erlang/bin/erl_call"


class Node:
    """One node with its port mapper. Only one thread at a time starts, stops or asks it."""

    def __init__(
        self, directory: Path | str, first: Optional["Node"] = None, configuration: Path | None = None,
        plugins: Sequence[str] = (), tree: Path | str | None = None
    ):
        """`first`: another node whose cluster this one is to be of; it needs its mapper and its cookie.
        `configuration`: a file that is read at each start. `tree`: in the place of the one that the environment
        names."""
        self.directory = Path(directory)
        #: Another one is taken at the next start.
        self.tree = tree or _TREE
        self._configuration = configuration
        for name in ("mnesia", "log", "home"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "plugins").write_text(f"[{','.join(plugins)}].")
        self.port = ports.free_port()
        self.name = f"private{self.port}@localhost"
        self.lock = threading.RLock()
        mapper_port = first.environment["ERL_EPMD_PORT"] if first else str(ports.free_port())
        self.environment = {
            "RABBITMQ_NODENAME": self.name, "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(ports.free_port()),
            "RABBITMQ_MNESIA_BASE": f"{self.directory}/mnesia", "RABBITMQ_LOG_BASE": f"{self.directory}/log",
            "HOME": f"{self.directory}/home", "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.directory}/plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{self.directory}/node.conf",
            "ERL_EPMD_PORT": mapper_port, "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Whoever finds no mapper, as rabbitmqctl when the node has just ended, else starts one that nobody ends.
            "ERL_AFLAGS": "-start_epmd false",
            # So that the script becomes the node, and its process id is the node's.
            "RUNNING_UNDER_SYSTEMD": "1"}
        self.cookie = first.cookie if first else secrets.token_hex(12).upper()
        cookie_file = self.directory / "home" / ".erlang.cookie"
        cookie_file.write_text(self.cookie)
        cookie_file.chmod(0o400)
        self._child = self._mapper = None
        self.has_run = False
        if first is None:
            self._mapper = processes.spawn(
                self._words("/usr/bin/epmd", "-port", mapper_port, "-address", "127.0.0.1"),
                self.directory / "epmd.out", self.environment)
            # A node that finds no mapper ends.
            eventually("the port mapper listens", lambda: ports.listens(int(mapper_port)))

    @property
    def ports(self) -> list[int]:
        """Where clients may connect."""
        return [self.port]

    @property
    def uri(self) -> str:
        return f"amqp://127.0.0.1:{self.port}"

    def start(self, seconds: float = 120) -> None:
        with self.lock:
            output = self.directory / "node.out"
            output.write_bytes(b"")
            if self._configuration:
                shutil.copy(self._configuration, self.directory / "node.conf")
            # A node that is killed may leave its name with the mapper for a moment, and then ends at once.
            for _ in range(10):
                self._child = processes.spawn(self._words(SERVER), output, self.environment)
                deadline = time.monotonic() + seconds
                while self._child.poll() is None and time.monotonic() < deadline:
                    if b"completed with" in output.read_bytes():
                        self.has_run = True
                        return
                    time.sleep(0.1)
                self.kill()
                time.sleep(0.5)
            raise NotReady(f"the broker did not start: {output.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """An orderly end; its data stay."""
        with self.lock:
            processes.end(self._child, signal.SIGTERM, seconds=60)

    def kill(self) -> None:
        with self.lock:
            processes.end(self._child, signal.SIGKILL)

    def end(self) -> None:
        """Ends the node and its mapper, for good."""
        self.kill()
        processes.end(self._mapper)

    def evaluate(self, expression: str, seconds: int = 30) -> str:
        """Runs one Erlang expression in the node: what rabbitmqctl does, in a hundredth of its time."""
        with self.lock:
            text, status = self._ask(
                self._words(ERL_CALL, "-timeout", str(seconds), "-c", self.cookie, "-n", self.name, "-e"), seconds + 5,
                expression)
            if status != 0 or "{error" in text:
                raise NotReady(f"the node refuses {expression}: {text}")
            return text

    def control(self, *arguments: str) -> str:
        """rabbitmqctl, which finds files of the node's directory alone. Gives what it printed."""
        text, status = self._ask(self._words(CONTROL, "--node", self.name, *arguments), 300)
        if status != 0:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {text}")
        return text

    def _words(self, program: str, *words: str) -> list[str]:
        """The command that becomes a program of the broker's package, or of Erlang's."""
        if self.tree is None:
            return [program, *words]
        return debian.inside(self.tree, [program, *words], bind=[self.directory])

    def _ask(self, command: list[str], seconds: float, words: str = "") -> tuple[str, int]:
        child = subprocess.Popen(
            command, env={**os.environ, **self.environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        try:
            return child.communicate(words + "\n", seconds)[0], child.returncode
        except BaseException:
            # rabbitmqctl is a shell that waits for the program proper.
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise

    def version(self) -> str:
        return self.evaluate("{ok, V} = application:get_key(rabbit, vsn), V.").split('"')[1]

    def close_connections(self) -> None:
        self.evaluate('rabbit_networking:close_connections(rabbit_networking:connections(), "chaos").')

    def memory_alarm(self, is_on: bool) -> None:
        self.evaluate(f"vm_memory_monitor:set_vm_memory_high_watermark({'0.00001' if is_on else '0.4'}).")

    def disk_alarm(self, is_on: bool) -> None:
        self.evaluate(f"rabbit_disk_monitor:set_disk_free_limit({10**16 if is_on else 50_000_000}).")


def main(directory: str) -> None:
    """Prints the node's port and its environment, and holds it until this process is told to end, or its parent is
    gone."""
    # As of any job in a shell's background.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    processes.die_with_parent(signal.SIGTERM)
    node = Node(directory)
    try:
        node.start()
        print(node.port, *(f"{name}={value}" for name, value in node.environment.items()), "", sep="\n", flush=True)
        while True:
            signal.pause()
    finally:
        node.end()


if __name__ == "__main__":
    main(sys.argv[1])
