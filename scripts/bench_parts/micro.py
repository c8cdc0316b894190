"""The hot pure pieces, counted: instructions and allocations of one time, by callgrind. The same on every run, busy
machine or not; the ceilings beside the pieces say what a change may cost."""
import json
import os
import re
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from testbed.programs import ROOT, build

from . import tables

CEILINGS = ROOT / "Tests/Microbench/ceilings.json"
# A piece is done so often, and so often again: the difference has no start of a process in it.
FEW, MANY = 300, 1300
# Over what was measured: another compiler or C library moves a figure by some percent.
HEADROOM = 1.10
ALLOCATING = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def check(say: Callable[[str], None], write: bool = False) -> int:
    """Measures every piece; 1 if one costs more than its ceiling."""
    binary = compile_pieces()
    pieces = subprocess.run([binary], capture_output=True, text=True, check=True).stdout.split()
    runs = [(piece, count) for piece in pieces for count in (FEW, MANY)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = dict(zip(runs, pool.map(lambda run: count_run(binary, *run), runs)))
    costs = {}
    for piece in pieces:
        (less, fewer), (more, most) = counted[piece, FEW], counted[piece, MANY]
        costs[piece] = {"instructions": round((more - less) / (MANY - FEW)),
                        "allocations": round((most - fewer) / (MANY - FEW), 1)}
    if write:
        ceilings = {piece: {what: round(value * HEADROOM, 1 if what == "allocations" else None)
                            for what, value in cost.items()} for piece, cost in costs.items()}
        CEILINGS.write_text(json.dumps(ceilings, indent=2) + "\n")
    return judge(costs, json.loads(CEILINGS.read_text()), say)


def judge(costs: dict[str, dict], ceilings: dict[str, dict], say: Callable[[str], None]) -> int:
    lines, status = [("piece", "instructions", "ceiling", "allocations", "ceiling", "")], 0
    for piece, cost in costs.items():
        ceiling = ceilings.get(piece)
        words = "no ceiling: scripts/bench --micro write" if ceiling is None else "TOO DEAR" if any(
            cost[what] > ceiling[what] for what in cost) else ""
        status |= words != ""
        ceiling = ceiling or {"instructions": "", "allocations": ""}
        lines.append((piece, str(cost["instructions"]), str(ceiling["instructions"]), str(cost["allocations"]),
                      str(ceiling["allocations"]), words))
    for piece in ceilings.keys() - costs.keys():
        lines.append((piece, "", "", "", "", "is no piece any more"))
        status = 1
    for line in tables.columns(lines):
        say(line)
    return int(status)


def compile_pieces() -> Path:
    """Apart from the release build: what is measured are inner parts, which are seen with -enable-testing only."""
    built = build("-c", "release", "--static-swift-stdlib", "--scratch-path", str(ROOT / ".build/micro"),
                  "-Xswiftc", "-enable-testing", products=("microbench",)) / "microbench"
    # Valgrind takes the compiler's line tables for damaged; names are enough.
    named = built.with_name("microbench-names")
    subprocess.run(["objcopy", "--strip-debug", built, named], check=True)
    return named


def count_run(binary: Path, piece: str, count: int) -> tuple[int, int]:
    """(instructions, allocations) of a whole process."""
    recording = binary.with_name(f"{piece}-{count}.callgrind")
    # Hashing by a random seed would make a run differ from the next.
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "-q", f"--callgrind-out-file={recording}", binary, piece, str(count)],
        env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{piece}: {done.stderr}")
    return read_recording(recording.read_text())


def read_recording(text: str) -> tuple[int | None, int]:
    """Callgrind's format: names are numbered where they first come; `cfn` names whom a `calls` line calls."""
    names, callee, allocations, instructions = {}, "", 0, None
    for line in text.splitlines():
        if found := re.match(r"(c?fn)=\((\d+)\)(?: (.*))?", line):
            kind, number, name = found.groups()
            if name:
                # A function that is called by itself has a second name with a quote.
                names[number] = name.split("'")[0]
            if kind == "cfn":
                callee = names[number]
        elif line.startswith("calls="):
            if callee in ALLOCATING:
                allocations += int(line[6:].split()[0])
        elif line.startswith(("summary:", "totals:")):
            instructions = int(line.split()[1])
    return instructions, allocations
