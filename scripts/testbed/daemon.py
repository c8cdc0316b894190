"""leave-albumd with a settings file, a log and a control socket of its own."""
import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import processes

#: Key → value.
Table = dict[str, object]
Settings = dict[str, Table]


def write_private(path: Path, text: str) -> Path:
    """A file for its owner alone, as the daemon wants its settings and secrets."""
    path.touch(0o600)
    path.write_text(text)
    return path


class Daemon:
    """`name` is that of its files in `directory`; `inside` goes before the program's words when it runs."""

    def __init__(
        self, program: Path | str, directory: Path, settings: Settings, environment: Mapping[str, str] | None = None,
        name: str = "daemon", inside: Sequence[object] = ()
    ):
        self.program, self.settings, self.inside = program, settings, inside
        self.environment = dict(environment or {})
        self.config, self.log_path = directory / f"{name}.toml", directory / f"{name}.log"
        self.process: subprocess.Popen | None = None
        settings.setdefault("admin", {}).setdefault("listen", "127.0.0.1:0")
        settings["admin"].setdefault("control_socket", str(directory / f"{name}.sock"))
        self.write()

    def write(self, **changes: dict[str, object]) -> None:
        """The settings' file, with changes: table={key: value}."""
        lines = []
        for table, values in changes.items():
            self.settings.setdefault(table, {}).update(values)
        for table, values in self.settings.items():
            lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
        write_private(self.config, "\n".join(lines) + "\n")

    def start(self, *options: str, **environment: str) -> subprocess.Popen:
        self.process = processes.spawn(
            [*self.inside, self.program, "run", *options, "--config", self.config], self.log_path,
            {**self.environment, **environment})
        return self.process

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds: float = 60) -> int | None:
        """SIGTERM, and the time that a drain may take. Gives the exit status."""
        return processes.end(self.process, seconds=seconds)

    def kill(self) -> None:
        processes.end(self.process, signal.SIGKILL)

    def command(self, *words: str, text: str | None = None, seconds: float = 120) -> tuple[int | None, str]:
        """An operator's command, which knows nothing of the daemon's environment: its exit status, None for none in
        time, and what it printed."""
        try:
            done = subprocess.run(
                [self.program, *words, "--config", self.config], input=text, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, "no answer in time"
        return done.returncode, done.stdout

    def order(self, *words: str, text: str | None = None) -> str:
        """A command that has to succeed. Gives what it printed."""
        status, said = self.command(*words, text=text)
        if status != 0:
            raise RuntimeError(f"{' '.join(words)}: {said}")
        return said

    def log(self, offset: int = 0) -> list[str]:
        with open(self.log_path, errors="replace") as file:
            file.seek(offset)
            return file.read().splitlines()

    def log_size(self) -> int:
        return self.log_path.stat().st_size if self.log_path.exists() else 0


def get(url: str, timeout: float = 5) -> str | None:
    """The body of an answer, whatever its status; None for no answer."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return None
