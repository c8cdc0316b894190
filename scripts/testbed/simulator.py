"""The API's simulator: what is arranged in it, and one that runs here."""
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from . import processes
from .daemon import get
from .waiting import eventually


def grant(account: str, **more: object) -> dict:
    """A grant as the token endpoint has it and as it is imported. `more`: what the endpoint does with it."""
    return {"refreshToken": f"rt-{account}", "account": account, **more}


class SimulatorControl:
    """What the simulator is told. `post` sends a body to a path of it and gives the answer's body."""

    def __init__(self, post: Callable[[str, bytes], str]):
        self._post = post

    def arrange(self, control: str, *objects: dict) -> dict:
        """Posts objects, one on each line, to `/_simulator/<control>`."""
        text = self._post(f"/_simulator/{control}", "\n".join(map(json.dumps, objects)).encode())
        answer = json.loads(text)
        if "problem" in answer:
            raise RuntimeError(f"the simulator did not take {control}: {text}")
        return answer

    def add_fault(self, fault: dict) -> int:
        return self.arrange("faults", fault)["id"]

    def remove_fault(self, number: int) -> None:
        self.arrange(f"faults/clear?id={number}")

    def answers(self, action: dict, **who: object) -> None:
        """From now on every call that matches is answered so."""
        self.add_fault({**who, "actions": [action]})

    def behaves(self) -> None:
        """No fault is left."""
        self.arrange("faults/clear")


class Simulator(SimulatorControl):
    """Runs on a port of its own, and keeps the journal of what really happened in `calls.jsonl`."""

    def __init__(self, program: Path | str, directory: Path, *options: object):
        super().__init__(self._send)
        self.program, self.directory, self.options = program, Path(directory), options
        self.journal = self.directory / "calls.jsonl"
        self.port = 0
        self.start()

    def start(self) -> None:
        """On the same port, when it is started again."""
        port_file = self.directory / "simulator.port"
        port_file.unlink(missing_ok=True)
        self._child = processes.spawn(
            [self.program, "--auto-members", "--listen", f"127.0.0.1:{self.port}", "--port-file", port_file,
             "--journal", self.journal, *self.options], self.directory / "simulator.out")
        self.port = int(eventually("the simulator listens", lambda: port_file.exists() and port_file.read_text()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def counters(self) -> dict[str, int]:
        """How many calls there were so far, and with what effect."""
        return json.loads(get(f"{self.url}/_simulator/counters") or "{}")

    def _send(self, path: str, body: bytes) -> str:
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, body), timeout=30) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.read().decode()

    def stop(self) -> None:
        processes.end(self._child)
