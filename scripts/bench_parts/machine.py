"""What a figure cannot be read without: the machine, the versions, the source."""
import os
import platform
import re
import statistics
import subprocess
import time
from pathlib import Path

from .workers import Worker, package


def describe(directory: Path) -> dict:
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return {
        "processor": processor.group(1) if processor else platform.machine(), "cores": os.cpu_count(),
        "memoryGiB": round(int(memory.group(1)) / 2**20, 1), "kernel": platform.release(),
        "system": system.group(1) if system else "", "fileSystem": _file_system(directory),
        "flushMilliseconds": flush_milliseconds(directory), "loadBefore": round(os.getloadavg()[0], 2),
    }


def versions(workers: list[Worker]) -> dict[str, str]:
    found = {worker.name: worker.version for worker in workers}
    found["RabbitMQ"], found["nginx"] = package("rabbitmq-server"), package("nginx-light")
    found["SQLite"] = package("libsqlite3-0")
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    found["Swift"] = re.search(r"Swift version (\S+)", swift).group(1)
    return found


def flush_milliseconds(directory: Path) -> float:
    """The median of 100 flushed writes of a page: what durability costs on this disk at least."""
    took = []
    with open(directory / "flush", "wb") as file:
        for _ in range(100):
            file.write(bytes(4096))
            began = time.perf_counter()
            file.flush()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    (directory / "flush").unlink()
    return round(statistics.median(took), 3)


def _file_system(directory: Path) -> str:
    shown = subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True)
    return shown.stdout.strip()
