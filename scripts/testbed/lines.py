"""JSON, an object on each line: what commands read and print."""
import json
from collections.abc import Iterable


def json_lines(objects: Iterable[dict]) -> str:
    return "".join(json.dumps(one) + "\n" for one in objects)


def job_states(said: str) -> dict[str, int]:
    """Of what `reconcile --summary --json` printed: state → how many jobs; empty if it printed none."""
    lines = [line for line in said.splitlines() if line.startswith("{")]
    return json.loads(lines[-1])["summary"] if lines else {}
