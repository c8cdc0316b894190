"""The API's double, and what is arranged in it."""
import json
import urllib.request

from . import process


class Simulator:
    """Runs for the whole of a run: it is the world, and keeps the journal of what really happened."""

    def __init__(self, program, directory, seed, latency_ms):
        self.journal = directory / "calls.jsonl"
        port_file = directory / "simulator.port"
        self._child = process.spawn(
            [program, "--auto-members", "--port-file", port_file, "--journal", self.journal, "--seed", seed,
             "--latency", latency_ms], directory / "simulator.out")
        process.eventually("the simulator listens", port_file.exists)
        self.port = int(port_file.read_text())

    def arrange(self, what, *objects):
        """Posts objects, one on each line, to `/_simulator/<what>`."""
        body = "\n".join(json.dumps(one) for one in objects).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_simulator/{what}", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def add_fault(self, fault):
        return self.arrange("faults", fault)["id"]

    def remove_fault(self, number):
        self.arrange(f"faults/clear?id={number}")

    def end(self):
        process.end(self._child)
