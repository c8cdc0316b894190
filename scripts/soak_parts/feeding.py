"""Feeds a running daemon, counts its results, and judges whether what it uses stays flat."""
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pika

from testbed.daemon import Daemon
from testbed.lines import json_lines

#: Field → value, as the report has it.
Sample = dict[str, float]

# A queue of that many is always work for the daemon, and never a backlog that would be measured in its place.
CHUNK = 5_000
WAITING = 10_000
# What may grow in the second half of a run, and what a look at another moment may differ by.
KIB_PER_100K_JOBS = 1024
KIB_OF_NOISE = 1024
DESCRIPTORS = 2
THREADS = 1
LEDGER_BYTES_PER_JOB = 2048
# Without a result for so long, something stands still.
LONGEST_SILENCE = 120


class Results(threading.Thread):
    """Takes every result, so that the queue stays short, and counts what each job got."""

    def __init__(self, port: int):
        super().__init__(daemon=True)
        self.port, self.twice = port, 0
        self.outcomes: dict[str, int] = {}
        self.seen: set[int] = set()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port))
            channel = connection.channel()
            channel.basic_qos(prefetch_count=2_000)
            for method, properties, body in channel.consume("leave-album.results"):
                result = json.loads(body)
                self.outcomes[result["outcome"]] = self.outcomes.get(result["outcome"], 0) + 1
                number = int(result["jobId"].rpartition("-")[2])
                self.twice += number in self.seen
                self.seen.add(number)
                if method.delivery_tag % 500 == 0 or len(self.seen) % 100 == 0:
                    channel.basic_ack(method.delivery_tag, multiple=True)
        except Exception as error:  # What ends the thread is said by the main one.
            self.error = error


def look(pid: int, ledger: str, began: float, done: int) -> Sample:
    status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
    size = sum(os.path.getsize(ledger + end) for end in ("", "-wal") if os.path.exists(ledger + end))
    return {
        "seconds": round(time.monotonic() - began, 2), "jobs": done, "rssKiB": int(status["VmRSS"].split()[0]),
        "anonymousKiB": int(status["RssAnon"].split()[0]),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "threads": int(status["Threads"]), "ledgerBytes": size,
    }


def growth(samples: list[Sample], name: str) -> float:
    """Of the least-squares line through the samples, over the jobs between the first and the last."""
    jobs = [s["jobs"] for s in samples]
    mean, middle = sum(s[name] for s in samples) / len(samples), sum(jobs) / len(jobs)
    spread = sum((j - middle) ** 2 for j in jobs)
    slope = sum((s["jobs"] - middle) * (s[name] - mean) for s in samples) / spread if spread else 0.0
    return slope * (jobs[-1] - jobs[0])


def judge(samples: list[Sample]) -> list[dict]:
    half = [s for s in samples if s["jobs"] >= samples[-1]["jobs"] / 2]
    jobs = half[-1]["jobs"] - half[0]["jobs"]
    ledger = (half[-1]["ledgerBytes"] - half[0]["ledgerBytes"]) / max(1, jobs)
    bounds = [
        ("rssKiB", growth(half, "rssKiB"), KIB_OF_NOISE + KIB_PER_100K_JOBS * jobs / 100_000),
        ("descriptors", growth(half, "descriptors"), DESCRIPTORS),
        ("threads", growth(half, "threads"), THREADS),
        ("ledgerBytesPerJob", ledger, LEDGER_BYTES_PER_JOB),
    ]
    return [
        {"what": name, "secondHalf": round(value, 1), "bound": round(bound, 1), "isFlat": value <= bound}
        for name, value, bound in bounds
    ]


def feed(daemon: Daemon, port: int, jobs: int, every: float, report: Path, accounts: int) -> int:
    """Puts in so many jobs, on the broker at `port`, and waits for their results. Prints what was seen and writes the
    report. Gives the exit status."""
    ledger = str(daemon.settings["ledger"]["path"])
    results = Results(port)
    results.start()
    began, submitted, samples, submitting = time.monotonic(), 0, [], None
    last, heard, due = 0, began, began
    while len(results.seen) < jobs:
        now, done = time.monotonic(), len(results.seen)
        if done > last:
            last, heard = done, now
        if results.error or now - heard > LONGEST_SILENCE:
            sys.exit(f"no result for {now - heard:.0f} s after {done} of {submitted}: {results.error}")
        if submitting and submitting.poll() is not None:
            if submitting.returncode:
                sys.exit(f"submit exited with {submitting.returncode}")
            submitting = None
        if not submitting and submitted < jobs and submitted - done < WAITING:
            chunk = range(submitted, min(submitted + CHUNK, jobs))
            path = ledger + ".jobs"
            with open(path, "w") as file:
                file.write(json_lines(
                    {"jobId": f"soak-{n}", "account": f"user{n % accounts}", "shareToken": f"album-{n}"}
                    for n in chunk))
            submitting = subprocess.Popen(
                [daemon.program, "submit", "--file", path, "--config", daemon.config], stdout=subprocess.DEVNULL)
            submitted = chunk.stop
        if now >= due:
            samples.append(look(daemon.process.pid, ledger, began, done))
            due = now + every
        time.sleep(0.05)
    samples.append(look(daemon.process.pid, ledger, began, len(results.seen)))
    seconds = time.monotonic() - began
    verdicts = judge(samples)
    show(samples, verdicts)
    print(f"{jobs} jobs in {seconds:.0f} s, {jobs / seconds:.0f} a second: {results.outcomes}, "
          f"{results.twice} results twice")
    is_good = all(v["isFlat"] for v in verdicts) and results.outcomes == {"left": jobs} and not results.twice
    with open(report, "w") as file:
        json.dump({"jobs": jobs, "seconds": round(seconds, 1), "outcomes": results.outcomes, "twice": results.twice,
                   "judgement": verdicts, "isGood": is_good, "samples": samples}, file, indent=1)
    return 0 if is_good else 1


def show(samples: list[Sample], verdicts: list[dict]) -> None:
    """At most sixteen samples, and what is flat."""
    print(f"{'JOBS':>9} {'SECONDS':>9} {'RSS KiB':>9} {'ANON KiB':>9} {'FDS':>5} {'THREADS':>8} {'LEDGER KiB':>11}")
    shown = [samples[round(i * (len(samples) - 1) / 15)] for i in range(16)] if len(samples) > 16 else samples
    for s in shown:
        print(
            f"{s['jobs']:>9} {s['seconds']:>9.1f} {s['rssKiB']:>9} {s['anonymousKiB']:>9} {s['descriptors']:>5} "
            f"{s['threads']:>8} {s['ledgerBytes'] // 1024:>11}")
    for v in verdicts:
        print(f"{v['what']}: {v['secondHalf']} over the second half, bound {v['bound']}: "
              f"{'flat' if v['isFlat'] else 'NOT FLAT'}")
