"""The workers that are measured: how each is started, and which version it is."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import build
from .world import DELAYS, PREFIXES, TOKEN


class Yardstick:
    """A worker of ours, as small as can be: everything it must know is in its environment."""

    form = "json"

    def __init__(self, name, command, version):
        self.name, self.command, self.version = name, command, version

    def start(self, world, setup, log):
        environment = dict(
            os.environ, BENCH_AMQP_PORT=str(world.broker_port), BENCH_PREFIX=PREFIXES[setup.queues],
            BENCH_API=world.api[setup.http], BENCH_TOKEN=TOKEN, BENCH_IN_FLIGHT=str(setup.in_flight))
        if setup.http == "h2":
            environment["BENCH_CA"] = str(world.certificate)
        known = {"{in_flight}": str(setup.in_flight), "{queue}": f"{PREFIXES[setup.queues]}.jobs"}
        command = [known.get(str(word), str(word)) for word in self.command]
        return subprocess.Popen(
            command, env=environment, cwd=build.YARDSTICKS, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


class DurableFloor(Yardstick):
    """The floor with a ledger of its own that begins empty, or with the one that is named."""

    def start(self, world, setup, log, ledger=None):
        if ledger is None:
            shutil.rmtree(world.room / "floor", ignore_errors=True)
            (world.room / "floor").mkdir()
            ledger = world.room / "floor/ledger.sqlite3"
        os.environ["BENCH_LEDGER"] = str(ledger)
        try:
            return super().start(world, setup, log)
        finally:
            del os.environ["BENCH_LEDGER"]


class Celery(Yardstick):
    form = "celery"


class Daemon:
    form = "json"
    name = "daemon"

    def __init__(self):
        self.binary = build.compile_daemon()
        shown = subprocess.run([self.binary, "version"], capture_output=True, text=True)
        self.version = shown.stdout.strip().splitlines()[0]
        # What is put before the command: a profiler.
        self.wrapper = []

    def settings(self, world, setup, ledger):
        tokens = world.room / "tokens"
        tokens.write_text(TOKEN + "\n")
        tokens.chmod(0o600)
        topology = "verify" if setup.queues == "quorum" else "none"
        authority = f'ca_file = "{world.certificate}"' if setup.http == "h2" else ""
        delays = ", ".join(f'"{delay}"' for delay in DELAYS)
        path = world.room / "daemon.toml"
        path.write_text(f"""
[broker]
uris = ["amqp://127.0.0.1:{world.broker_port}"]
prefix = "{PREFIXES[setup.queues]}"
topology = "{topology}"
[api]
base_url = "{world.api[setup.http]}"
{authority}
[credentials]
providers = ["static"]
[credentials.static]
token_file = "{tokens}"
[worker]
concurrency = {setup.in_flight}
per_account = {setup.per_account}
[limits]
requests_per_second = 0
requests_per_minute_per_account = 0
requests_per_day = 0
pace = "asap"
[retry]
delays = [{delays}]
[ledger]
path = "{ledger}"
durability = "{setup.durability}"
[admin]
listen = "127.0.0.1:0"
control_socket = "{world.sockets}/control.sock"
[log]
level = "warning"
format = "text"
""")
        path.chmod(0o600)
        return path

    def declare(self, world, setup):
        settings = self.settings(world, setup, world.room / "none.sqlite3")
        subprocess.run(
            [self.binary, "topology", "declare", "--config", settings], check=True, stdout=subprocess.DEVNULL)

    def start(self, world, setup, log, ledger=None):
        """With a ledger of its own that begins empty, or with the one that is named."""
        if ledger is None:
            shutil.rmtree(world.room / "ledger", ignore_errors=True)
            (world.room / "ledger").mkdir()
            ledger = world.room / "ledger/ledger.sqlite3"
        settings = self.settings(world, setup, ledger)
        return subprocess.Popen(
            [*self.wrapper, self.binary, "run", "--new-ledger", "--config", settings], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL)


def make(name):
    """The worker of that name. Raises with what is missing."""
    if name == "daemon":
        return Daemon()
    if name in ("floor", "durable-floor"):
        kind = Yardstick if name == "floor" else DurableFloor
        libraries = {"librabbitmq": "librabbitmq4", "libcurl": "libcurl4"}
        if name == "durable-floor":
            libraries["SQLite"] = "libsqlite3-0"
        return kind(name, [build.compile_c("floor")], ", ".join(
            f"{library} {package(name)}" for library, name in libraries.items()))
    if name == "go":
        go = subprocess.run(["go", "version"], capture_output=True, text=True).stdout
        client = package("golang-github-rabbitmq-amqp091-go-dev")
        return Yardstick(name, [build.compile_go()], f"{re.search('go[0-9.]+', go).group()}, amqp091-go {client}")
    if name == "aio-pika":
        return Yardstick(
            name, ["/usr/bin/python3", "worker_aio_pika.py"],
            f"aio-pika {package('python3-aio-pika')}, aiohttp {package('python3-aiohttp')}, uvloop "
            + package("python3-uvloop"))
    if name == "celery":
        return Celery(
            name,
            ["/usr/bin/python3", "-m", "celery", "--quiet", "--app", "worker_celery", "worker", "--pool", "gevent",
             "--concurrency", "{in_flight}", "--queues", "{queue}", "--without-gossip", "--without-mingle",
             "--without-heartbeat", "--loglevel", "WARNING"],
            f"celery {package('python3-celery')}, gevent {package('python3-gevent')}")
    raise ValueError(f"no worker is named {name}")


ALL = ("floor", "durable-floor", "daemon", "go", "aio-pika", "celery")


def package(name):
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True)
    if shown.returncode != 0:
        raise RuntimeError(f"Debian package {name} is not installed: scripts/install-dependencies --bench")
    return shown.stdout
