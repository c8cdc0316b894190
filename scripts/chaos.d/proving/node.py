"""A RabbitMQ node of one's own, as scripts/private-broker starts it, that can be killed and tormented."""
import os
import secrets
import signal
import subprocess
import threading
import time
from pathlib import Path

from . import process

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
ERL_CALL = "/usr/lib/erlang/bin/erl_call"


class Node:
    """One node with its port mapper. Only one thread at a time starts, stops or talks to it."""

    def __init__(self, directory, first=None, configuration=None):
        """`first`: another node whose cluster this one is to be of; it needs its mapper and its cookie."""
        self.directory = Path(directory)
        for name in ("mnesia", "log", "home"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        (self.directory / "plugins").write_text("[].")
        self.port = process.free_port()
        self.name = f"private{self.port}@localhost"
        self.lock = threading.RLock()
        self.environment = dict(
            os.environ, RABBITMQ_NODENAME=self.name, RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1", RABBITMQ_DIST_PORT=str(process.free_port()),
            RABBITMQ_MNESIA_BASE=str(self.directory / "mnesia"), RABBITMQ_LOG_BASE=str(self.directory / "log"),
            HOME=str(self.directory / "home"), RABBITMQ_ENABLED_PLUGINS_FILE=str(self.directory / "plugins"),
            RABBITMQ_CONF_ENV_FILE="/dev/null", RABBITMQ_CONFIG_FILE=str(configuration or self.directory / "none"),
            ERL_EPMD_PORT=first.environment["ERL_EPMD_PORT"] if first else str(process.free_port()),
            ERL_EPMD_ADDRESS="127.0.0.1",
            # So that the script becomes the node, and its process id is the node's.
            RUNNING_UNDER_SYSTEMD="1")
        self.cookie = first.cookie if first else secrets.token_hex(12).upper()
        cookie_file = self.directory / "home" / ".erlang.cookie"
        cookie_file.write_text(self.cookie)
        cookie_file.chmod(0o400)
        self._mapper = None if first else process.spawn(
            ["epmd", "-port", self.environment["ERL_EPMD_PORT"], "-address", "127.0.0.1"],
            self.directory / "epmd.out", self.environment)
        self._child = None
        self.has_run = False

    @property
    def ports(self):
        """Where clients may connect."""
        return [self.port]

    def start(self, seconds=120):
        with self.lock:
            output = self.directory / "node.out"
            output.write_bytes(b"")
            # A node that is killed may leave its name with the mapper for a moment, and then ends at once.
            for _ in range(10):
                self._child = process.spawn([SERVER], output, self.environment)
                deadline = time.monotonic() + seconds
                while self._child.poll() is None and time.monotonic() < deadline:
                    if b"completed with" in output.read_bytes():
                        self.has_run = True
                        return
                    time.sleep(0.1)
                process.end(self._child, signal.SIGKILL)
                time.sleep(0.5)
            raise process.NotReady(f"the broker did not start: {output.read_text(errors='replace')[-2000:]}")

    def stop(self):
        """An orderly end; its data stay."""
        with self.lock:
            process.end(self._child, signal.SIGTERM, seconds=60)

    def kill(self):
        with self.lock:
            process.end(self._child, signal.SIGKILL)

    @property
    def pid(self):
        return self._child.pid

    def end(self):
        self.kill()
        process.end(self._mapper)

    def evaluate(self, expression, seconds=30):
        """Runs one Erlang expression in the node: what rabbitmqctl does, in a hundredth of its time."""
        with self.lock:
            answer = subprocess.run(
                [ERL_CALL, "-timeout", str(seconds), "-c", self.cookie, "-n", self.name, "-e"],
                input=expression.encode() + b"\n",
                env=self.environment, capture_output=True, timeout=seconds + 5)
            text = (answer.stdout + answer.stderr).decode(errors="replace")
            if answer.returncode != 0 or "{error" in text:
                raise process.NotReady(f"the node refuses {expression}: {text}")
            return text

    def version(self):
        return self.evaluate("{ok, V} = application:get_key(rabbit, vsn), V.").split('"')[1]

    def close_connections(self):
        self.evaluate('rabbit_networking:close_connections(rabbit_networking:connections(), "chaos").')

    def memory_alarm(self, is_on):
        self.evaluate(f"vm_memory_monitor:set_vm_memory_high_watermark({'0.00001' if is_on else '0.4'}).")

    def disk_alarm(self, is_on):
        self.evaluate(f"rabbit_disk_monitor:set_disk_free_limit({10**16 if is_on else 50_000_000}).")
