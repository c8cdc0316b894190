"""Two daemons, one ledger: that never both were at work, and how long nobody was.

Read from the daemons' own logs and from when their processes were told to end.
"""
import json
import math
import statistics
from datetime import datetime
from pathlib import Path

#: (time in ms, message) of lines of a log.
Logged = list[tuple[int, str]]
#: (slot, from when, until when at most, whether it was killed) of a process that was at work.
Tenure = tuple[str, int, float, bool]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def logged(path: Path, words: list[bytes]) -> Logged:
    """The lines of a daemon's log whose message begins with one of these words."""
    found = []
    try:
        with open(path, "rb") as file:
            for line in file:
                if not any(b'"message":"' + word in line for word in words):
                    continue
                try:
                    entry = json.loads(line)
                except ValueError:
                    # A line that a kill cut short.
                    continue
                found.append((_ms(entry["time"]), entry["message"]))
    except FileNotFoundError:
        pass
    return found


#: A process that died of itself was gone so long before the supervisor, which looks ten times a second, saw it.
UNSEEN_MS = 300


def tenures(lines: dict[str, Logged], ends: list[dict]) -> list[Tenure]:
    """Of each process that was at work, by its begin."""
    found = []
    for start in (event for event in ends if event["event"] == "start"):
        mine = [event for event in ends if event["pid"] == start["pid"] and event["at"] >= start["at"]]
        gone = next((event for event in mine if event["event"] == "end"), None)
        killed = next((event for event in mine if event["event"] == "signal" and event["signal"] == "SIGKILL"), None)
        last = gone["at"] if gone else math.inf
        words = [(at, text) for at, text in lines[start["slot"]] if start["at"] <= at <= last]
        began = next((at for at, text in words if text == "working"), None)
        if began is None:
            continue
        stopped = next((at for at, text in words if text.startswith("stopped")), None)
        if killed:
            until = killed["at"]
        elif stopped:
            until = stopped
        else:
            until = max(began, last - UNSEEN_MS)
        found.append((start["slot"], began, until, killed is not None))
    return sorted(found, key=lambda tenure: tenure[1])


def overlaps(found: list[Tenure]) -> list[str]:
    """Pairs of tenures of which the later began before the earlier was over."""
    return [f"{later[0]} was at work from {later[1]} on, {earlier[0]} until {earlier[2]}"
            for earlier, later in zip(found, found[1:]) if later[1] < earlier[2]]


def takeovers(lines: dict[str, Logged], ends: list[dict]) -> dict[str, list[int]]:
    """Milliseconds from each SIGKILL of an active daemon to the next time that one consumed, by who that was."""
    consuming = sorted((at, slot) for slot, entries in lines.items() for at, text in entries if text == "consuming")
    found = {"own": [], "other": []}
    for slot, _, until, killed in tenures(lines, ends):
        following = next(((at, who) for at, who in consuming if at > until), None)
        if killed and following:
            found["own" if following[1] == slot else "other"].append(following[0] - until)
    return found


def judge(directory: Path, ends: list[dict]) -> dict:
    words = [b"working", b"stopped", b"consuming\""]
    lines = {slot: logged(directory / f"daemon-{slot}.log", words) for slot in ("a", "b")}
    found = tenures(lines, ends)
    summary = {"tenures": len(found), "overlaps": overlaps(found)}
    for name, times in takeovers(lines, ends).items():
        if times:
            summary[f"takeover by {'the same slot' if name == 'own' else 'the standby'}, ms"] = {
                "count": len(times), "least": min(times), "median": int(statistics.median(times)), "most": max(times)}
    return summary
