"""Of the whole run: that nothing is left lying, and that no daemon ended of itself."""
from collections.abc import Iterator

from .facts import Facts

#: Exit codes of a daemon that cannot work now: a service is away, no file, try again, no permission.
EXCUSED = {69, 73, 75, 77}
LEDGER_FAULTS = {"ledger_full", "ledger_readonly"}


def stuck(facts: Facts) -> Iterator[str]:
    """Nothing waits, in a retry queue or anywhere, and the ledger is whole."""
    final = facts.final
    if final is None:
        yield "the run did not come to its end"
        return
    for cause in final.get("holds", ()):
        yield f"the hold {cause} stands at the end"
    if final["settled"] is None:
        yield "it was not still in time"
    for name, count in (final["depths"] or {"?": "unknown"}).items():
        if count != 0:
            yield f"{count} messages are left in {name}"
    for slot, status in final["stopped"].items():
        if status != 0:
            yield f"daemon {slot} ended with {status} when it was told to stop"
    if final["ledgerVerify"][0] != 0:
        yield f"the ledger: {final['ledgerVerify'][1]}"


def ends(facts: Facts) -> Iterator[str]:
    """Every end of a daemon was asked for, or is the poison's doing."""
    poison = any(job.nature == "poison" for job in facts.jobs.values())
    for end in facts.ends:
        if end["event"] != "end":
            continue
        status, asked = end["status"], end["asked"]
        if asked == "SIGKILL" and status == -9 or asked == "SIGTERM" and status == 0:
            continue
        # Killed while it was stopping, or told to stop before it listened.
        if asked == "SIGKILL" and status == 0 or asked == "SIGTERM" and status in (-15, -9):
            facts.explain(f"asked for {asked}, ended with {status}")
        elif status == -9 and asked is None and poison:
            facts.explain("killed by poison")
        elif status in EXCUSED and facts.between(LEDGER_FAULTS, end["at"] - 5_000, end["at"]):
            facts.explain(f"exit {status} while the ledger's disk was at fault")
        else:
            yield f"daemon {end['slot']} (pid {end['pid']}) ended with {status}, asked for {asked}"
