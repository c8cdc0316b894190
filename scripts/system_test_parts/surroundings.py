"""What stands around the unit: RabbitMQ, the API's simulator; and the admin listener's answers."""

import base64
import re
import subprocess

from testbed.lines import json_lines
from testbed.simulator import SimulatorControl, grant
from testbed.waiting import wait

from .jobs import CALLS

SIMULATOR_PORT = 8081
# Milliseconds, about the real API's: 32 calls at a time are 160 jobs a second.
LATENCY = 200


class Surroundings:
    """Part of a Worker, which has the container."""

    def start_simulator(self, address: str = "127.0.0.1") -> None:
        """`address`: where it listens; 127.0.0.1 must be of it."""
        self.container.run(
            "systemd-run", "--quiet", "--unit=photos-simulator", "/usr/bin/photos-simulator", "--auto-members",
            "--latency", str(LATENCY), "--listen", f"{address}:{SIMULATOR_PORT}", "--journal", CALLS)
        wait(lambda: self.container.run(
            "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{SIMULATOR_PORT}", check=False).returncode == 0, 20)
        self.simulator = SimulatorControl(self._post)

    def _post(self, path: str, body: bytes) -> str:
        done = self._curl("-sSf", "--data-binary", "@-", f"http://127.0.0.1:{SIMULATOR_PORT}{path}", text=body.decode())
        if done.returncode != 0:
            raise RuntimeError(f"the simulator did not take {path}: {done.stderr}{done.stdout}")
        return done.stdout

    def slow(self, milliseconds: int | None) -> None:
        """The API takes so much longer for a call; None: no longer."""
        if milliseconds is None:
            return self.simulator.behaves()
        return self.simulator.answers({"fault": "delay", "milliseconds": milliseconds}, method="leave")

    def expect_client_secret(self, secret: str) -> None:
        """The token endpoint refuses whoever comes with another one."""
        self.simulator.arrange("client", {"secrets": [secret]})

    def _curl(self, *words: str, text: str = "") -> subprocess.CompletedProcess:
        """From this machine, on the container's loopback."""
        return subprocess.run(["nsenter", f"--target={self.container.init}", "--net", "--", "curl", *words],
                              input=text, capture_output=True, text=True)

    def get(self, path: str) -> tuple[int, str]:
        """GET of the admin listener: (status, body)."""
        done = self._curl("-sS", "--max-time", "5", "-w", "\n%{http_code}", f"http://127.0.0.1:9464{path}")
        body, _, status = done.stdout.rpartition("\n")
        return (int(status) if status.isdigit() else 0), body or done.stderr

    def metric(self, name: str) -> float | None:
        """The value of a metric, with its labels if it has any; or None."""
        found = re.search(rf"^leave_album_{re.escape(name)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found.group(1)) if found else None

    def broker(self, *arguments: str, check: bool = True) -> str:
        return self.container.run("rabbitmqctl", "--quiet", *arguments, check=check).stdout

    def publish(self, body: str, headers: dict[str, str]) -> None:
        """One job with headers of its own, put in by the broker itself. Values are plain words."""
        table = ",".join(f'{{<<"{name}">>,longstr,<<"{value}">>}}' for name, value in headers.items())
        # In base 64, because rabbitmqctl's words go through a shell. RabbitMQ 4 has messages of another form.
        quoted = base64.b64encode(body.encode()).decode()
        self.broker("eval", f"""
            X = rabbit_misc:r(<<"/">>, exchange, <<"leave-album.jobs">>), K = <<"leave">>,
            P = [{{headers, [{table}]}}, {{content_type, <<"application/json">>}}, {{delivery_mode, 2}}],
            B = base64:decode("{quoted}"),
            case code:which(mc_amqpl) of
                non_existing -> rabbit_basic:publish(X, K, P, B);
                _ ->
                    {{ok, M}} = mc_amqpl:message(X, K, rabbit_basic:build_content(rabbit_basic:properties(P), B)),
                    rabbit_queue_type:publish_at_most_once(X, M)
            end.""")

    def depths(self) -> dict[str, int]:
        """Messages in each queue."""
        lines = self.broker("list_queues", "name", "messages", "--no-table-headers").splitlines()
        return {name: int(count) for name, count in (line.split("\t") for line in lines if "\t" in line)}

    def add_accounts(self, names: list[str], as_root: bool = False) -> None:
        """Grants at the token endpoint and in the daemon's store. `as_root`: into a database, which has no owner to
        be minded."""
        grants = [grant(name) for name in names]
        self.simulator.arrange("grants", *grants)
        command = self.albumd if as_root else self.albumd_as_daemon
        command("credentials", "import", text=json_lines(grants))
