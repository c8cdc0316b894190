"""The daemon under test, and what stands in for its service manager: notifications, start, stop, reload, kill."""

import json
import os
import signal
import socket
import subprocess
import threading
import time

from incident_drills.surroundings import free_port, get, wait

# The longest drain of a drill, and some more.
LONGEST_STOP = 60


class Daemon:
    def __init__(self, binary, directory, settings, environment=None):
        self.binary, self.directory = binary, directory
        self.environment = environment or {}
        self.process = None
        self.port = free_port()
        self.config = os.path.join(directory, "daemon.toml")
        self.log_path = os.path.join(directory, "daemon.log")
        self.statuses = []
        self._notify = os.path.join(directory, "notify.sock")
        self._supervisor = None
        self.settings = settings
        self.settings["admin"] = {
            "listen": f"127.0.0.1:{self.port}", "control_socket": os.path.join(directory, "control.sock")}
        self.write()
        self._listen()

    # Settings

    def write(self, **changes):
        """The settings, with changes: table={key: value}."""
        for table, values in changes.items():
            self.settings.setdefault(table, {}).update(values)
        lines = []
        for table, values in self.settings.items():
            lines += [f"[{table}]"] + [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        with open(self.config, "w") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(self.config, 0o600)

    # As systemd does it

    def _listen(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(self._notify)

        def receive():
            while True:
                text = listener.recv(65536).decode(errors="replace")
                if text == "END":
                    return listener.close()
                self.statuses += [
                    (time.monotonic(), line[len("STATUS="):]) for line in text.splitlines()
                    if line.startswith("STATUS=")]
        threading.Thread(target=receive, daemon=True).start()

    def start(self):
        log = open(self.log_path, "a")
        self.process = subprocess.Popen(
            [self.binary, "run", "--config", self.config], stdout=log, stderr=log,
            env={**os.environ, **self.environment, "NOTIFY_SOCKET": self._notify})
        log.close()
        # What it said in an earlier life is not what it says now.
        self.statuses.append((time.monotonic(), ""))

    def supervise(self):
        """Starts it again whenever it was killed, until it ends by itself."""
        def watch():
            while self.process.wait() == -signal.SIGKILL:
                self.start()
        self._supervisor = threading.Thread(target=watch, daemon=True)
        self._supervisor.start()

    def systemctl(self, arguments):
        """What `systemctl …` would do to the unit."""
        verb = arguments[0]
        if verb == "restart":
            self.stop()
            self.start()
        elif verb == "start":
            self.start()
        elif verb == "stop":
            self.stop()
        elif verb == "reload":
            self.process.send_signal(signal.SIGHUP)
        elif verb == "kill":
            name = next(word.split("=", 1)[1] for word in arguments if word.startswith("--signal="))
            self.process.send_signal(getattr(signal, name))
        else:
            raise ValueError(f"systemctl {verb}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LONGEST_STOP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        """At the end of a drill, whatever became of it."""
        if self.process and self.process.poll() is None:
            if self._supervisor:
                self.process.terminate()
                self._supervisor.join(5)
            self.kill()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"END", self._notify)

    # What is seen of it

    @property
    def status(self):
        return self.statuses[-1][1] if self.statuses else ""

    def metrics(self):
        return (get(f"http://127.0.0.1:{self.port}/metrics") or "").splitlines()

    def metric(self, name):
        """A value without labels, or 0."""
        return next((float(line.split()[1]) for line in self.metrics() if line.startswith(f"{name} ")), 0.0)

    def log(self, offset=0):
        with open(self.log_path, errors="replace") as file:
            file.seek(offset)
            return file.read().splitlines()

    def log_size(self):
        return os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def command(self, *arguments, text=None, timeout=120):
        """An operator's command: (exit status, what it printed)."""
        done = subprocess.run(
            [self.binary, *arguments, "--config", self.config], input=text, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=timeout)
        return done.returncode, done.stdout

    def await_consuming(self, seconds=60):
        if not wait(lambda: self.status.startswith("consuming"), seconds):
            raise RuntimeError(f"not consuming within {seconds} s: {self.status}; {' | '.join(self.log()[-4:])}")
