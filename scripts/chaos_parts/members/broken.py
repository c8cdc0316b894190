"""Members that are broken in one thing, by their settings or their surroundings alone: the last of a run is, and the
auditor has to name what it breaks. Each is the daemon as it is; some have a database that lies to their role alone."""
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from testbed.daemon import Settings

from . import lies, terms

#: Of the API in any run.
LATENCY_MS = 20
#: Slots of an account, where all others have one.
MANY_SLOTS = 8
#: A lease of 1.6 s where the API may still take a call for 4 s. Calls that take so long are answered within it, and some
#: are under way at each kill.
HASTY_WINDOW_MS, HASTY_TIMEOUT_MS, HASTY_GRACE_MS = 500, 1_000, 100
HASTY_LATENCY_MS = 300
#: Seconds to the database, and as many back, of a member whose gate is blind: long enough to stop it while the word that
#: its claims are committed is on its way. A claim is two round trips, which have to be within the send window.
BLIND_DELAY = 0.18
#: How old a claim is at most that was committed just now: its lease counts from its first round trip.
JUST_COMMITTED = 2 * BLIND_DELAY + 0.04
#: Of them at a time. The auditor lets one call slip through.
CLAIMS_AT_A_STOP = 4
#: Waits until member NAME has so many.
AWAIT_CLAIMS = f"""
    DO $$ BEGIN
        FOR look IN 1..3000 LOOP
            EXIT WHEN {CLAIMS_AT_A_STOP} <= (
                SELECT count(*) FROM leave_album.jobs WHERE intent
                AND fence >> 32 = (SELECT max(epoch) FROM leave_album.instances WHERE name = 'NAME')
                AND call_until > clock_timestamp() + interval '{terms.LEASE_SECONDS - JUST_COMMITTED} s');
            PERFORM pg_sleep(0.005);
        END LOOP;
    END $$"""
#: Longer than a lease, so that others have taken over what it claimed, and called, before it goes on.
BLIND_STOP = terms.LEASE_SECONDS + 6


@dataclass(frozen=True)
class Broken:
    how: str
    #: Of the auditor, which have to name it.
    rules: Set[str]
    #: Changes the member's settings.
    change: Callable[[Settings], None] = lambda tables: None
    #: It goes by a clock that stands still while it is stopped.
    is_blind: bool = False
    #: Its ledger is a database of its own.
    is_apart: bool = False
    #: SQL by which the database lies to the member's own role.
    lies: Sequence[str] = ()
    #: The others are struck, for it to do wrong by what they were doing.
    spares_it: bool = False
    #: What strikes in such a run, where it is not said: only what brings it out.
    strikes: Mapping[str, int] = field(default_factory=dict)
    #: Of the API, in ms.
    latency: int = LATENCY_MS


def _many_slots(tables: Settings) -> None:
    tables["worker"]["per_account"] = MANY_SLOTS


def _hasty(tables: Settings) -> None:
    tables["api"]["timeout"] = terms.settings(HASTY_TIMEOUT_MS)
    tables["api"]["connect_timeout"] = terms.settings(HASTY_TIMEOUT_MS)
    tables["ledger"]["send_window"] = terms.settings(HASTY_WINDOW_MS)
    tables["ledger"]["grace"] = terms.settings(HASTY_GRACE_MS)


KINDS = {
    "slots": Broken("eight slots for each account", {"overlaps"}, _many_slots),
    "lease": Broken("leases that are over before a call is", {"lease"}, _hasty, strikes={"kill_daemon": 6},
                    latency=HASTY_LATENCY_MS),
    "gate": Broken("a gate that is blind for stops", {"gate"}, is_blind=True,
                   strikes={"stop_daemon": 3}),
    "clock": Broken("its host's clock in place of the database's", {"lease"}, lies=lies.HOST_CLOCK, spares_it=True,
                    strikes={"kill_daemon": 8}, latency=HASTY_LATENCY_MS),
    "question": Broken("claims that leave no intent, so that nobody asks after its death", {"asked"},
                       lies=lies.NO_INTENT, strikes={"kill_daemon": 6}, latency=HASTY_LATENCY_MS),
    "day": Broken("calls of the day that nobody else knows of", {"day"}, lies=lies.NO_SHARE),
    "probes": Broken("a turn to probe that is its own", {"probes"}, lies=lies.OWN_TURN, strikes={"api_holds": 2}),
    "ledger": Broken("a ledger of its own: no lease, slot, day or probe of the others is known to it",
                     {"asked", "day", "overlaps", "probes"}, is_apart=True, strikes={"api_holds": 2}),
}
