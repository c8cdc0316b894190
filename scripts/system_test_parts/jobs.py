"""Jobs, their results, and the calls that were made for them."""
import json
import re
import subprocess

from testbed.lines import job_states, json_lines
from testbed.waiting import wait

SECRETS = "/etc/leave-albumd/credentials"
SETTINGS = "/etc/leave-albumd/leave-albumd.toml"
CALLS = "/var/tmp/calls.jsonl"
ACCOUNTS = 100


class Jobs:
    """Part of a Worker: what was submitted, by the broker, the ledger and the simulator's journal."""

    def batch(self, count: int, accounts: int = ACCOUNTS, prefix: str = "user") -> tuple[list[str], str]:
        """Jobs of their own names: (their ids, their file inside)."""
        self._batch += 1
        jobs = [{"jobId": f"system-test-{self._batch}-{n}", "account": f"{prefix}{n % accounts}",
                 "shareToken": f"album-{self._batch}-{n}"} for n in range(count)]
        path = f"/var/tmp/jobs-{self._batch}.jsonl"
        self.write(path, json_lines(jobs))
        return [job["jobId"] for job in jobs], path

    def submit(self, path: str) -> None:
        """Publishes, and waits until the broker has them."""
        self.albumd("submit", "--file", path)

    def submit_and_follow(self, path: str, timeout: str = "180s", config: str = SETTINGS) -> subprocess.Popen:
        """Publishes and collects results, beside what the scenario does; see `followed`."""
        return self.container.start(
            "leave-albumd", "submit", "--config", config, "--file", path, "--wait", "--timeout", timeout, "--json",
            environment={"CREDENTIALS_DIRECTORY": SECRETS})

    def followed(self, submission: subprocess.Popen) -> tuple[dict[str, dict], str]:
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

    def calls(self, batch_path: str) -> dict[str, int]:
        """How often the simulator was called to leave, for each share token of a batch."""
        number = re.search(r"jobs-(\d+)", batch_path).group(1)
        counts = {}
        with open(self.container.path(CALLS)) as file:
            for line in file:
                # The last line may be half written.
                if f'"album-{number}-' in line and line.endswith("\n"):
                    call = json.loads(line)
                    if call["method"] == "leave":
                        counts[call["token"]] = counts.get(call["token"], 0) + 1
        return counts

    def await_calls(self, path: str, count: int, seconds: float = 60) -> None:
        """Until so many calls of a batch were made: the load is on."""
        if not wait(lambda: len(self.calls(path)) >= count, seconds, every=0.1):
            raise RuntimeError(f"only {len(self.calls(path))} calls within {seconds} s; {self.last_lines()}")

    def reconcile(self, path: str) -> dict[str, int]:
        """The states of a batch's jobs by the ledger: state → how many."""
        return job_states(self.albumd("reconcile", "--file", path, "--summary", "--json", check=False).stdout)

    def await_left(self, path: str, count: int, seconds: float = 120) -> tuple[bool, dict[str, int]]:
        """Whether every job of a batch is done with its user out of the album; and the last summary."""
        summary = {}

        def all_left():
            nonlocal summary
            summary = self.reconcile(path)
            return summary.get("left") == count
        done = wait(all_left, seconds, every=1)
        return done, {name: value for name, value in summary.items() if name not in ("at", "file") and value}
