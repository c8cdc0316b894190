"""What stands around a worker: a broker of one's own, the peer API, the driver. All below one directory on disk."""
import json
import os
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

from testbed.database import Database
from testbed.node import Node
from testbed.ports import free_port, listens
from testbed.processes import end, spawn
from testbed.programs import SIMULATOR, build
from testbed.simulator import Simulator
from testbed.standby import Standby
from testbed.waiting import wait

from .compiled import OUTPUT, compile_c
from .setup import Setup
from .usage import cpu_seconds

TOKEN = "bench-access-token"
# No delay is ever used: no call fails. The daemon wants its queues all the same.
DELAYS = ("5s", "30s")
PREFIXES = {"quorum": "bench-quorum", "classic": "bench-classic"}
#: What a worker that ended may have left.
LEFT = ("jobs", "due", "results", *(f"retry.{delay}" for delay in DELAYS))


class Environment:
    """Starts everything on entering, ends everything on leaving."""

    def __init__(self):
        self.driver = compile_c("driver")
        self._node = self._nginx = self._database = self._standby = self.directory = None
        self._simulators: dict[int, Simulator] = {}
        # Ledgers outlive an environment: ids that come again would be known there.
        self.seed = random.randrange(1 << 20)

    def __enter__(self) -> "Environment":
        # Not in /tmp, which may be memory: what is flushed must reach a disk.
        self.directory = Path(tempfile.mkdtemp(prefix="bench-", dir=OUTPUT))
        # A socket's path is at most 107 bytes long.
        self.sockets = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            self._node = Node(self.directory / "broker")
            self._node.start()
            self.broker_port = self._node.port
            self._start_nginx()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        end(self._nginx)
        for simulator in self._simulators.values():
            simulator.stop()
        if self._standby:
            self._standby.end()
        if self._database:
            self._database.end()
        if self._node:
            self._node.end()
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    # The broker

    def purge(self, setup: Setup) -> None:
        """What a worker that ended has left."""
        self.drive("purge", PREFIXES[setup.queues], *LEFT)

    def declare_classic(self) -> None:
        self.drive("classic", PREFIXES["classic"], *DELAYS)

    # The database

    def database(self) -> Database:
        """One that flushes what it commits to the disk that the embedded ledger is on; started when it is first asked
        for."""
        if self._database is None:
            settings = ["shared_buffers=256MB", "max_connections=120"]
            self._database = Database(self.directory / "database", settings, is_durable=True)
            self._database.start()
            self._database.prepare()
        return self._database

    def database_of(self, setup: Setup) -> Database:
        """That one, which waits for a standby if the setup has one; the standby is gone where it has none."""
        primary = self.database()
        if setup.standby and self._standby is None:
            self._standby = Standby(primary, self.directory / "standby")
            self._standby.start()
        if not setup.standby and self._standby is not None:
            self._standby.end()
            self._standby = None
        return primary

    def database_cpu_seconds(self) -> float:
        """Of its server and all its processes so far, or 0. A standby's are not among them."""
        return cpu_seconds(self._database.pid) if self._database else 0.0

    # The API

    def api_of(self, setup: Setup) -> str:
        """Its URL. Who answers after a time of its own is the simulator; any bearer will do for both."""
        if not setup.latency:
            return self.api[setup.http]
        return self.simulator(setup.latency).url

    def simulator(self, latency: int) -> Simulator:
        if latency not in self._simulators:
            options = ("-c", "release", "--static-swift-stdlib")
            folder = self.directory / f"api-{latency}"
            folder.mkdir()
            self._simulators[latency] = Simulator(
                build(*options, products=(SIMULATOR,)) / SIMULATOR, folder, "--any-token", "--latency", latency)
        return self._simulators[latency]

    def _start_nginx(self) -> None:
        directory = self.directory / "nginx"
        directory.mkdir()
        self.certificate = directory / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", directory / "key.pem", "-out", self.certificate], check=True, capture_output=True)
        plain, secure = free_port(), free_port()
        user = "user root;" if os.getuid() == 0 else ""
        temporary = "".join(
            f"{name}_temp_path {directory}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # One worker, connections without end, and the answer of the method: an empty object.
        (directory / "nginx.conf").write_text(f"""
            {user} daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log warn;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; {temporary} default_type application/json; server_tokens off;
                keepalive_timeout 600s; keepalive_requests 1000000000; http2_max_concurrent_streams 1024;
                server {{
                    listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl http2;
                    ssl_certificate {self.certificate}; ssl_certificate_key {directory}/key.pem;
                    location = /v1/sharedAlbums:leave {{ return 200 '{{}}'; }}
                    location = /v1/traces {{ client_max_body_size 8m; return 200 '{{}}'; }}
                }}
            }}""")
        self._nginx = spawn(
            ["/usr/sbin/nginx", "-p", directory, "-e", directory / "error.log", "-c", directory / "nginx.conf"],
            os.devnull)
        self.api = {"h1": f"http://127.0.0.1:{plain}", "h2": f"https://127.0.0.1:{secure}"}
        wait(lambda: listens(plain) or self._nginx.poll() is not None, 5, every=0.05)
        if not listens(plain):
            raise RuntimeError("nginx did not start: " + (directory / "error.log").read_text())

    # The driver

    def drive(self, command: str, *words: object) -> str:
        """Runs the driver to its end; returns what it printed."""
        done = subprocess.run(
            [self.driver, command, str(self.broker_port), *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"driver {command}: {done.stderr.strip()}")
        return done.stdout

    def fill(self, setup: Setup, form: str, count: int) -> None:
        self.seed += 1
        self.drive("fill", PREFIXES[setup.queues], count, setup.accounts, form, self.seed)

    def pace(self, setup: Setup, form: str, rate: float, count: int) -> list[int]:
        """Nanoseconds from when each job was due to its result."""
        self.seed += 1
        return json.loads(
            self.drive("pace", PREFIXES[setup.queues], rate, count, setup.accounts, form, self.seed))

    def start_collecting(self, setup: Setup, count: int, seconds: float) -> subprocess.Popen:
        collector = subprocess.Popen(
            [self.driver, "collect", str(self.broker_port), PREFIXES[setup.queues], str(count), str(seconds),
             str(self.seed)],
            # Without a buffer: who waits for the pipe must not have what it waits for.
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        if collector.stdout.readline().strip() != b"ready":
            raise RuntimeError(f"driver collect: {collector.stderr.read().decode().strip()}")
        return collector

    def bare_times(self, setup: Setup, rate: float, count: int) -> tuple[list[int], list[int]]:
        """Nanoseconds: of the broker alone, one publish to its delivery, and of the API alone."""
        hop = json.loads(self.drive("hop", "bench.hop", rate, count))
        words = ["http", self.api[setup.http] + "/v1/sharedAlbums:leave", TOKEN, rate, count]
        if setup.http == "h2":
            words.append(self.certificate)
        done = subprocess.run([self.driver, *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"driver http: {done.stderr.strip()}")
        return hop, json.loads(done.stdout)
