"""What a daemon needs around it: a RabbitMQ node, the API's simulator, a Prometheus with the alert rules. All of them
listen on free ports of 127.0.0.1 and end with the drills."""

import json
import os
import shlex
import socket
import subprocess
import time
import urllib.error
import urllib.request

from incident_drills.page import ROOT


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait(condition, seconds, every=0.2):
    """The condition's first true value, or its last."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def get(url, body=None, timeout=5):
    """The body of an answer, or None."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=timeout) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return None


def end(process, seconds=10):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Broker:
    """A node of scripts/private-broker, in a shell of its own that ends it when this process is gone."""

    SCRIPT = """
        source scripts/private-broker
        trap stop_broker EXIT
        start_broker "$1" >&2 || exit 1
        echo "$broker_port"
        while IFS= read -r arguments; do
            eval "broker_control $arguments" >"$1/answer" 2>&1
            echo $?
        done
    """

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory)
        self.shell = subprocess.Popen(
            ["bash", "-c", self.SCRIPT, "broker", directory], cwd=ROOT, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True)
        port = self.shell.stdout.readline().strip()
        if not port:
            raise RuntimeError("the private broker did not start")
        self.uri = f"amqp://127.0.0.1:{port}"

    def control(self, *arguments):
        """rabbitmqctl; returns what it printed."""
        self.shell.stdin.write(shlex.join(arguments) + "\n")
        self.shell.stdin.flush()
        status = self.shell.stdout.readline().strip()
        with open(os.path.join(self.directory, "answer")) as file:
            answer = file.read()
        if status != "0":
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {answer}")
        return answer

    def stop(self):
        if self.shell.poll() is None:
            self.shell.stdin.close()
            self.shell.wait()


class Simulator:
    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.port = 0
        self.start()

    def start(self):
        """On the same port, when it is started again."""
        port_file = os.path.join(self.directory, "simulator.port")
        if os.path.exists(port_file):
            os.remove(port_file)
        with open(os.path.join(self.directory, "simulator.log"), "a") as log:
            self.process = subprocess.Popen(
                [self.binary, "--auto-members", "--listen", f"127.0.0.1:{self.port}", "--port-file", port_file,
                 "--journal", os.path.join(self.directory, "calls.jsonl")], stdout=log, stderr=log)
        if not wait(lambda: os.path.exists(port_file) and open(port_file).read().strip(), 20):
            raise RuntimeError("the simulator did not start")
        self.port = int(open(port_file).read())
        self.url = f"http://127.0.0.1:{self.port}"

    def arrange(self, control, *lines):
        """POST /_simulator/CONTROL."""
        answer = get(f"{self.url}/_simulator/{control}", "\n".join(json.dumps(line) for line in lines).encode())
        if answer is None or "problem" in answer:
            raise RuntimeError(f"the simulator did not take {control}: {answer}")

    def answers(self, action, **who):
        """From now on every call that matches is answered so."""
        self.arrange("faults", {**who, "actions": [action]})

    def behaves(self):
        self.arrange("faults/clear", {})

    def calls(self, token):
        """How often the API was called for a share token."""
        path = os.path.join(self.directory, "calls.jsonl")
        if not os.path.exists(path):
            return 0
        with open(path) as file:
            return sum(f'"{token}"' in line for line in file)

    def stop(self):
        end(self.process)


class Prometheus:
    """Scrapes and evaluates every second, so that an alert is pending as soon as its expression is true."""

    def __init__(self, directory, ports):
        self.port = free_port()
        path = os.path.join(directory, "prometheus.yml")
        rules = os.path.join(ROOT, "config", "prometheus", "leave-albumd.rules.yml")
        targets = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
        with open(path, "w") as file:
            file.write(
                "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                f"rule_files: [{json.dumps(rules)}]\n"
                f"scrape_configs: [{{job_name: leave-albumd, static_configs: [{{targets: [{targets}]}}]}}]\n")
        with open(os.path.join(directory, "prometheus.log"), "w") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{self.port}",
                 f"--storage.tsdb.path={os.path.join(directory, 'tsdb')}", "--log.level=warn"],
                stdout=log, stderr=log)

    def _ask(self, path):
        answer = get(f"http://127.0.0.1:{self.port}/api/v1/{path}")
        try:
            return json.loads(answer)["data"] if answer else None
        except ValueError:  # It is still starting.
            return None

    def alerts(self):
        """The names of those whose expression is true now, whatever their `for`."""
        return {alert["labels"]["alertname"] for alert in (self._ask("alerts") or {}).get("alerts", [])}

    def has_seen(self, samples):
        """Whether every target was scraped so often."""
        found = self._ask("query?query=count_over_time(leave_album_consuming%5B5m%5D)")
        return bool(found and found["result"]) and all(
            float(result["value"][1]) >= samples for result in found["result"])

    def stop(self):
        end(self.process)
