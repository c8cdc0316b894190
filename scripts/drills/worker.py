"""The unit under test, with what it needs around it: broker users, the simulator, a token endpoint, settings, jobs."""

import json
import os
import re
import subprocess
import time

UNIT = "leave-albumd.service"
SETTINGS = "/etc/leave-albumd/leave-albumd.toml"
SECRETS = "/etc/leave-albumd/credentials"
SIMULATOR_PORT, TOKEN_PORT = 8081, 8082
# Inside, where the token endpoint outside can read what it must be told.
EXPECTED_SECRET = "/var/tmp/expected-client-secret"
CALLS = "/var/tmp/calls.jsonl"
ACCOUNTS = 100
# Milliseconds, about the real API's: 32 calls at a time are 160 jobs a second.
LATENCY = 200

SETTINGS_TEXT = f"""\
[broker]
uris = ["amqp://127.0.0.1"]
username = "leave-album-worker"
password_file = "broker-password"
topology = "verify"
[broker.operator]
username = "leave-album-operator"
password_file = "operator-password"
[api]
base_url = "http://127.0.0.1:{SIMULATOR_PORT}"
[credentials]
providers = ["store"]
[credentials.store]
key_file = "store-key"
client_id = "drill.apps.example"
client_secret_file = "client-secret"
token_url = "http://127.0.0.1:{TOKEN_PORT}/token"
[limits]
requests_per_minute_per_account = 0
requests_per_day = 0
pace = "asap"
[retry]
delays = ["1s", "5s", "30s"]
[log]
level = "info"
"""


class Worker:
    """Knows the unit by systemd, its jobs by the broker and the simulator's journal."""

    def __init__(self, container):
        self.container = container
        self.token_service = None
        self._batch = 0
        self._after = None

    # Settings and secrets

    def write(self, path, text, mode=0o600):
        """A file of root inside; one that is there keeps owner and mode."""
        outside = self.container.path(path)
        is_new = not os.path.exists(outside)
        with open(outside, "w") as file:
            file.write(text)
        if is_new:
            os.chmod(outside, mode)

    def settings(self, text=SETTINGS_TEXT):
        self.write(SETTINGS, text)

    def secret(self, name, value):
        self.write(f"{SECRETS}/{name}", value + "\n")

    def albumd(self, *arguments, check=True, text=None):
        """A command as root gives it, with the secrets where the unit has them."""
        return self.container.run(
            "leave-albumd", *arguments, check=check, text=text, environment={"CREDENTIALS_DIRECTORY": SECRETS})

    def albumd_as_daemon(self, *arguments, text):
        """A command as the daemon's user with the daemon's secrets: what it writes is the daemon's."""
        loads = [f"--property=LoadCredential={name}:{SECRETS}/{name}"
                 for name in ("broker-password", "operator-password", "store-key", "client-secret")]
        return self.container.run(
            "systemd-run", "--quiet", "--pipe", "--wait", "--uid=leave-albumd", "--gid=leave-albumd", *loads,
            "/usr/bin/leave-albumd", *arguments, text=text)

    # The world around

    def start_simulator(self):
        self.container.run(
            "systemd-run", "--quiet", "--unit=photos-simulator", "/usr/bin/photos-simulator", "--auto-members",
            "--latency", str(LATENCY), "--listen", f"127.0.0.1:{SIMULATOR_PORT}", "--journal", CALLS)
        self.wait(lambda: self.container.run(
            "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{SIMULATOR_PORT}", check=False).returncode == 0, 20)

    def simulator(self, control, lines):
        """Arranges something in the simulator: POST /_simulator/CONTROL."""
        body = "\n".join(json.dumps(line) for line in lines)
        done = subprocess.run(
            ["nsenter", f"--target={self.container.init}", "--net", "--", "curl", "-sSf", "--data-binary", "@-",
             f"http://127.0.0.1:{SIMULATOR_PORT}/_simulator/{control}"], input=body, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"the simulator did not take {control}: {done.stderr}{done.stdout}")

    def slow(self, milliseconds):
        """The API takes so much longer for a call; None: no longer."""
        if milliseconds is None:
            return self.simulator("faults/clear", [{}])
        action = {"fault": "delay", "milliseconds": milliseconds}
        return self.simulator("faults", [{"method": "leave", "actions": [action]}])

    def start_token_service(self, secret):
        self.write(EXPECTED_SECRET, secret)
        here = os.path.dirname(os.path.abspath(__file__))
        self.token_service = self.container.start_outside(
            "python3", f"{here}/token_service.py", str(TOKEN_PORT), self.container.path(EXPECTED_SECRET),
            str(SIMULATOR_PORT))
        self.token_service.stdout.readline()

    def stop_token_service(self):
        if self.token_service:
            self.token_service.kill()
            self.token_service.wait()

    def get(self, path):
        """GET of the admin listener: (status, body)."""
        done = subprocess.run(
            ["nsenter", f"--target={self.container.init}", "--net", "--", "curl", "-sS", "--max-time", "5",
             "-w", "\n%{http_code}", f"http://127.0.0.1:9464{path}"], capture_output=True, text=True)
        body, _, status = done.stdout.rpartition("\n")
        return (int(status) if status.isdigit() else 0), body or done.stderr

    def metric(self, name):
        """The value of a metric without labels, or None."""
        found = re.search(rf"^leave_album_{name} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found.group(1)) if found else None

    def broker(self, *arguments, check=True):
        return self.container.run("rabbitmqctl", "--quiet", *arguments, check=check).stdout

    def publish(self, body, headers):
        """One job with headers of its own, put in by the broker itself. Values are plain words."""
        table = ",".join(f'{{<<"{name}">>,longstr,<<"{value}">>}}' for name, value in headers.items())
        quoted = body.replace('"', '\\"')
        self.broker("eval", f"""rabbit_basic:publish(
            rabbit_misc:r(<<"/">>, exchange, <<"leave-album.jobs">>), <<"leave">>,
            [{{headers, [{table}]}}, {{content_type, <<"application/json">>}}, {{delivery_mode, 2}}],
            <<"{quoted}">>).""")

    def depths(self):
        """Messages in each queue."""
        lines = self.broker("list_queues", "name", "messages", "--no-table-headers").splitlines()
        return {name: int(count) for name, count in (line.split("\t") for line in lines if "\t" in line)}

    def add_accounts(self, names):
        """Grants at the token endpoint and in the daemon's store."""
        self.simulator("grants", [{"refreshToken": f"rt-{name}", "account": name} for name in names])
        lines = "".join(json.dumps({"account": name, "refreshToken": f"rt-{name}"}) + "\n" for name in names)
        self.albumd_as_daemon("credentials", "import", text=lines)

    # The unit

    def show(self, *properties):
        """The unit's properties as systemd gives them."""
        text = self.container.run("systemctl", "show", UNIT, *(f"--property={name}" for name in properties)).stdout
        pairs = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return pairs[properties[0]] if len(properties) == 1 else pairs

    def systemctl(self, verb, check=True):
        """Returns how long it took, in seconds."""
        began = time.monotonic()
        self.container.run("systemctl", verb, UNIT, check=check)
        return time.monotonic() - began

    def is_consuming(self):
        found = self.albumd("status", check=False).stdout
        return re.search(r"^state *consuming", found, re.MULTILINE) is not None

    def await_consuming(self, seconds=60):
        if not self.wait(self.is_consuming, seconds):
            raise RuntimeError(f"not consuming within {seconds} s: {self.show('ActiveState', 'StatusText')}; "
                               f"{self.last_lines()}")

    def await_status(self, pattern, seconds):
        """The first STATUS text that has the pattern, or None; and the last one seen."""
        seen = ""

        def matches():
            nonlocal seen
            seen = self.show("StatusText")
            return re.search(pattern, seen) is not None
        found = self.wait(matches, seconds, every=0.25)
        return found, seen

    def wait(self, condition, seconds, every=0.5):
        end = time.monotonic() + seconds
        while True:
            if condition():
                return True
            if time.monotonic() > end:
                return False
            time.sleep(every)

    def mark(self):
        """What the journal has from here on is what `lines` gives."""
        done = self.container.run("journalctl", "--quiet", "--show-cursor", "-n", "0", "-o", "json").stdout
        self._after = done.split("-- cursor: ", 1)[1].strip() if "-- cursor: " in done else None

    def lines(self):
        """The unit's journal since the last mark, as objects."""
        after = [f"--after-cursor={self._after}"] if self._after else []
        text = self.container.run("journalctl", "--quiet", "-u", UNIT, "-o", "json", "--no-pager", *after).stdout
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def messages(self):
        return [str(line.get("MESSAGE", "")) for line in self.lines()]

    def last_lines(self, count=4):
        return " | ".join(self.messages()[-count:])

    # Jobs

    def batch(self, count, accounts=ACCOUNTS, prefix="user"):
        """Jobs of their own names: (their ids, their file inside)."""
        self._batch += 1
        jobs = [{"jobId": f"drill-{self._batch}-{n}", "account": f"{prefix}{n % accounts}",
                 "shareToken": f"album-{self._batch}-{n}"} for n in range(count)]
        path = f"/var/tmp/jobs-{self._batch}.jsonl"
        self.write(path, "".join(json.dumps(job) + "\n" for job in jobs))
        return [job["jobId"] for job in jobs], path

    def submit(self, path):
        """Publishes, and waits until the broker has them."""
        self.albumd("submit", "--file", path)

    def submit_and_follow(self, path, timeout="180s", config=SETTINGS):
        """Publishes and collects results, beside what the drill does; see `followed`."""
        return self.container.start(
            "leave-albumd", "submit", "--config", config, "--file", path, "--wait", "--timeout", timeout, "--json",
            environment={"CREDENTIALS_DIRECTORY": SECRETS})

    def followed(self, submission):
        """The results that a submission got: job id → result; and what it wrote to standard error."""
        submission.wait()
        with submission.output, submission.errors:
            submission.output.seek(0)
            submission.errors.seek(0)
            output, errors = submission.output.read(), submission.errors.read()
        results = {}
        for line in output.splitlines():
            if line.startswith("{"):
                result = json.loads(line)
                if "outcome" in result:
                    results[result["jobId"]] = result
        return results, errors

    def calls(self, batch_path):
        """How often the simulator was called to leave, for each share token of a batch."""
        number = re.search(r"jobs-(\d+)", batch_path).group(1)
        counts = {}
        with open(self.container.path(CALLS)) as file:
            for line in file:
                if f'"album-{number}-' in line:
                    call = json.loads(line)
                    if call["method"] == "leave":
                        counts[call["token"]] = counts.get(call["token"], 0) + 1
        return counts

    def await_calls(self, path, count, seconds=60):
        """Until so many calls of a batch were made: the load is on."""
        if not self.wait(lambda: len(self.calls(path)) >= count, seconds, every=0.1):
            raise RuntimeError(f"only {len(self.calls(path))} calls within {seconds} s; {self.last_lines()}")

    def reconcile(self, path):
        """Where the jobs of a batch stand, by the ledger: standing → how many."""
        text = self.albumd("reconcile", "--file", path, "--summary", "--json", check=False).stdout
        return json.loads(text.splitlines()[-1])["summary"] if text.strip() else {}

    def await_left(self, path, count, seconds=120):
        """Whether every job of a batch is done with its user out of the album; and the last summary."""
        summary = {}

        def all_left():
            nonlocal summary
            summary = self.reconcile(path)
            return summary.get("left") == count
        done = self.wait(all_left, seconds, every=1)
        return done, {name: value for name, value in summary.items() if name not in ("at", "file") and value}
