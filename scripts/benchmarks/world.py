"""What stands around a worker: a broker of one's own, the peer API, the driver. All below one directory on disk."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import build

TOKEN = "bench-access-token"
# No delay is ever used: no call fails. The daemon wants its queues all the same.
DELAYS = ("5s", "30s")
PREFIXES = {"quorum": "bench-quorum", "classic": "bench-classic"}


def free_port():
    """Below the ports that the kernel gives to connections: one of these could take it before it is used."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class World:
    """Starts everything on entering, ends everything on leaving."""

    def __init__(self):
        self.driver = build.compile_c("driver")
        self._broker = self._nginx = self.room = None
        # Ledgers outlive a world: ids that come again would be known there.
        self.seed = random.randrange(1 << 20)

    def __enter__(self):
        # Not in /tmp, which may be memory: what is flushed must reach a disk.
        self.room = Path(tempfile.mkdtemp(prefix="room-", dir=build.OUTPUT))
        # A socket's path is at most 107 bytes long.
        self.sockets = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            self._start_broker()
            self._start_nginx()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._nginx:
            self._nginx.terminate()
            self._nginx.wait()
        if self._broker:
            self._broker.stdin.close()
            self._broker.wait()
        shutil.rmtree(self.room, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)

    # The broker

    def _start_broker(self):
        # The shell holds the node until its input ends, also when this program is killed.
        script = """
            source scripts/private-broker
            trap stop_broker EXIT
            mkdir -p "$1" && : >"$1/node.out"
            start_broker "$1"
            echo "$broker_port"
            cat"""
        self._broker = subprocess.Popen(
            ["bash", "-c", script, "bench", self.room / "broker"], cwd=build.ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True)
        port = self._broker.stdout.readline().strip()
        if not port:
            raise RuntimeError("the private broker did not start")
        self.broker_port = int(port)

    def purge(self, setup):
        """What a worker that ended has left."""
        self.drive("purge", PREFIXES[setup.queues])

    def declare_classic(self):
        self.drive("classic", PREFIXES["classic"], *DELAYS)

    # The API

    def _start_nginx(self):
        room = self.room / "nginx"
        room.mkdir()
        self.certificate = room / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
             "-keyout", room / "key.pem", "-out", self.certificate], check=True, capture_output=True)
        plain, secure = free_port(), free_port()
        user = "user root;" if os.getuid() == 0 else ""
        temporary = "".join(
            f"{name}_temp_path {room}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        # One worker, connections without end, and the answer of the method: an empty object.
        (room / "nginx.conf").write_text(f"""
            {user} daemon off; worker_processes 1; pid {room}/pid; error_log {room}/error.log warn;
            events {{ worker_connections 4096; }}
            http {{
                access_log off; {temporary} default_type application/json; server_tokens off;
                keepalive_timeout 600s; keepalive_requests 1000000000; http2_max_concurrent_streams 1024;
                server {{
                    listen 127.0.0.1:{plain}; listen 127.0.0.1:{secure} ssl http2;
                    ssl_certificate {self.certificate}; ssl_certificate_key {room}/key.pem;
                    location = /v1/sharedAlbums:leave {{ return 200 '{{}}'; }}
                }}
            }}""")
        self._nginx = subprocess.Popen(
            ["/usr/sbin/nginx", "-p", room, "-e", room / "error.log", "-c", room / "nginx.conf"],
            stderr=subprocess.DEVNULL)
        self.api = {"h1": f"http://127.0.0.1:{plain}", "h2": f"https://127.0.0.1:{secure}"}
        for _ in range(100):
            if self._nginx.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", plain)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("nginx did not start: " + (room / "error.log").read_text())

    # The driver

    def drive(self, command, *words):
        """Runs the driver to its end; returns what it printed."""
        done = subprocess.run(
            [self.driver, command, str(self.broker_port), *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"driver {command}: {done.stderr.strip()}")
        return done.stdout

    def fill(self, setup, form, count):
        self.seed += 1
        self.drive("fill", PREFIXES[setup.queues], count, setup.accounts, form, self.seed)

    def pace(self, setup, form, rate, count):
        """Nanoseconds from when each job was due to its result."""
        self.seed += 1
        return json.loads(
            self.drive("pace", PREFIXES[setup.queues], rate, count, setup.accounts, form, self.seed))

    def start_collecting(self, setup, count, seconds):
        collector = subprocess.Popen(
            [self.driver, "collect", str(self.broker_port), PREFIXES[setup.queues], str(count), str(seconds),
             str(self.seed)],
            # Without a buffer: who waits for the pipe must not have what it waits for.
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        if collector.stdout.readline().strip() != b"ready":
            raise RuntimeError(f"driver collect: {collector.stderr.read().decode().strip()}")
        return collector

    def bare_times(self, setup, rate, count):
        """Nanoseconds: of the broker alone, one publish to its delivery, and of the API alone."""
        hop = json.loads(self.drive("hop", "bench.hop", rate, count))
        words = ["http", self.api[setup.http] + "/v1/sharedAlbums:leave", TOKEN, rate, count]
        if setup.http == "h2":
            words.append(self.certificate)
        done = subprocess.run([self.driver, *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"driver http: {done.stderr.strip()}")
        return hop, json.loads(done.stdout)


def end(process, seconds=40):
    """SIGTERM, and what comes after it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
