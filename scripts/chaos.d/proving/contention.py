"""Two daemons, one ledger: that never both were at work, and how long nobody was.

Read from the daemons' own logs and from when their processes were told to end.
"""
import json
import statistics
from datetime import datetime


def _ms(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def logged(path, words):
    """(time in ms, message) of the lines of a daemon's log that begin with one of these words."""
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


def tenures(lines, ends):
    """Of each slot's lines and ends: (slot, from when it was at work, until when it was at most)."""
    found = []
    for slot, entries in lines.items():
        events = [(at, "working" if text == "working" else "stopped") for at, text in entries
                  if text in ("working",) or text.startswith("stopped")]
        # A process that is told to die is at work no more; one that died of itself was so a moment before it was seen.
        events += [(end["at"], "told") for end in ends
                   if end["slot"] == slot and end["event"] == "told" and end["signal"] == "SIGKILL"]
        events += [(end["at"] - 1_000, "gone") for end in ends
                   if end["slot"] == slot and end["event"] == "end" and end["asked"] is None]
        began = None
        for at, event in sorted(events):
            if event == "working":
                began = at
            elif began is not None:
                found.append((slot, began, at))
                began = None
        if began is not None:
            found.append((slot, began, None))
    return sorted(found, key=lambda tenure: tenure[1])


def overlaps(tenures_found):
    """Pairs of tenures of which the later began before the earlier was over."""
    found = []
    for earlier, later in zip(tenures_found, tenures_found[1:]):
        if earlier[0] != later[0] and (earlier[2] is None or later[1] < earlier[2]):
            found.append(f"{later[0]} was at work from {later[1]} on, {earlier[0]} until {earlier[2]}")
    return found


def takeovers(lines, ends):
    """Milliseconds from each SIGKILL of an active daemon to the next time that one consumed."""
    consuming = sorted((at, slot) for slot, entries in lines.items() for at, text in entries if text == "consuming")
    found = {"own": [], "other": []}
    for slot, began, until in tenures(lines, ends):
        killed = any(end["event"] == "told" and end["signal"] == "SIGKILL" and end["slot"] == slot
                     and end["at"] == until for end in ends)
        following = next(((at, who) for at, who in consuming if until is not None and at > until), None)
        if killed and following:
            found["own" if following[1] == slot else "other"].append(following[0] - until)
    return found


def judge(room, ends):
    lines = {slot: logged(room / f"daemon-{slot}.log", [b"working", b"stopped", b"consuming\""]) for slot in ("a", "b")}
    found = tenures(lines, ends)
    summary = {"tenures": len(found), "overlaps": overlaps(found)}
    for name, times in takeovers(lines, ends).items():
        if times:
            summary[f"takeover by {'the same slot' if name == 'own' else 'the standby'}, ms"] = {
                "count": len(times), "least": min(times), "median": int(statistics.median(times)), "most": max(times)}
    return summary
