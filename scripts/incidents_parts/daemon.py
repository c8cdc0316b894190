"""The daemon under test, and what stands in for its service manager: notifications, start, stop, reload, kill."""
import signal
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from testbed import daemon
from testbed.ports import free_port
from testbed.waiting import wait


class Daemon(daemon.Daemon):
    def __init__(
        self, program: Path, directory: Path, settings: daemon.Settings, environment: Mapping[str, str] | None = None
    ):
        self.port = free_port()
        settings["admin"] = {"listen": f"127.0.0.1:{self.port}"}
        super().__init__(program, directory, settings, environment)
        #: Each STATUS with the time when it was told.
        self.statuses: list[tuple[float, str]] = []
        self._notify = str(directory / "notify.sock")
        self._supervisor: threading.Thread | None = None
        self._listen()

    # As systemd does it

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(self._notify)

        def receive() -> None:
            while True:
                text = listener.recv(65536).decode(errors="replace")
                if text == "END":
                    return listener.close()
                self.statuses += [
                    (time.monotonic(), line.removeprefix("STATUS=")) for line in text.splitlines()
                    if line.startswith("STATUS=")]
        threading.Thread(target=receive, daemon=True).start()

    def start(self) -> None:
        super().start(NOTIFY_SOCKET=self._notify)
        # What it said in an earlier life is not what it says now.
        self.statuses.append((time.monotonic(), ""))

    def supervise(self) -> None:
        """Starts it again whenever it was killed, until it ends by itself."""
        def watch() -> None:
            while self.process.wait() == -signal.SIGKILL:
                self.start()
        self._supervisor = threading.Thread(target=watch, daemon=True)
        self._supervisor.start()

    def systemctl(self, arguments: Sequence[str]) -> None:
        """What `systemctl …` would do to the unit."""
        verb = arguments[0]
        if verb not in ("restart", "start", "stop", "reload", "kill"):
            raise ValueError(f"systemctl {verb}")
        if verb in ("restart", "stop"):
            self.stop()
        if verb in ("restart", "start"):
            self.start()
        if verb == "reload":
            self.process.send_signal(signal.SIGHUP)
        if verb == "kill":
            name = next(word.split("=", 1)[1] for word in arguments if word.startswith("--signal="))
            self.process.send_signal(getattr(signal, name))

    def remove(self) -> None:
        """At the end of a scenario, whatever became of it."""
        if self.is_running:
            if self._supervisor:
                self.process.terminate()
                self._supervisor.join(5)
            self.kill()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"END", self._notify)

    # What is seen of it

    @property
    def status(self) -> str:
        return self.statuses[-1][1] if self.statuses else ""

    def metrics(self) -> list[str]:
        return (daemon.get(f"http://127.0.0.1:{self.port}/metrics") or "").splitlines()

    def metric(self, name: str) -> float:
        """A value without labels, or 0."""
        return next((float(line.split()[1]) for line in self.metrics() if line.startswith(f"{name} ")), 0.0)

    def await_logged(self, words: str, seconds: float, offset: int = 0) -> bool:
        """Whether a line of the log from `offset` on has the words in time."""
        return wait(lambda: any(words in line for line in self.log(offset)), seconds)

    def await_consuming(self, seconds: float = 60) -> None:
        if not wait(lambda: self.status.startswith("consuming"), seconds):
            raise RuntimeError(f"not consuming within {seconds} s: {self.status}; {' | '.join(self.log()[-4:])}")
