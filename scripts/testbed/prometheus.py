"""A Prometheus that has the alert rules and watches daemons."""
import json
from pathlib import Path
from typing import Any

from . import ports, processes
from .daemon import get
from .programs import ROOT

RULES = ROOT / "config/prometheus/leave-albumd.rules.yml"


class Prometheus:
    """Scrapes and evaluates every second, so that an alert is pending as soon as its expression is true."""

    def __init__(self, directory: Path, watched: list[int]):
        """`watched`: the ports of the daemons' listeners."""
        self.port = ports.free_port()
        path = directory / "prometheus.yml"
        targets = ", ".join(f'"127.0.0.1:{port}"' for port in watched)
        path.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{json.dumps(str(RULES))}]\n"
            f"scrape_configs: [{{job_name: leave-albumd, static_configs: [{{targets: [{targets}]}}]}}]\n")
        self._child = processes.spawn(
            ["prometheus", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{self.port}",
             f"--storage.tsdb.path={directory / 'tsdb'}", "--log.level=warn"], directory / "prometheus.log")

    def _ask(self, path: str) -> Any:
        answer = get(f"http://127.0.0.1:{self.port}/api/v1/{path}")
        try:
            return json.loads(answer)["data"] if answer else None
        except ValueError:  # It is still starting.
            return None

    def alerts(self) -> set[str]:
        """The names of those whose expression is true now, whatever their `for`."""
        return {alert["labels"]["alertname"] for alert in (self._ask("alerts") or {}).get("alerts", [])}

    def has_seen(self, samples: int) -> bool:
        """Whether every target was scraped so often."""
        found = self._ask("query?query=count_over_time(leave_album_consuming%5B5m%5D)")
        return bool(found and found["result"]) and all(
            float(result["value"][1]) >= samples for result in found["result"])

    def stop(self) -> None:
        processes.end(self._child)
