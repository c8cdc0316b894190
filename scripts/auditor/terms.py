"""What a run of several workers on one ledger was arranged to keep to."""
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone


@dataclass(frozen=True)
class Terms:
    #: The parts of a lease, in ms: from the asking for a claim to its call's first byte, a call, and what the network
    #: may still deliver.
    send_window: int
    timeout: int
    grace: int
    #: Address that the API sees → the worker that has it; empty where all have one address.
    peers: dict[str, str] = field(default_factory=dict)
    #: Of a retry, in ms.
    longest_delay: int = 9_000
    #: Calls at a time of one account.
    per_account: int = 1
    #: (time in ms, the limit of calls a day from then on); no limit where it is empty.
    limits: tuple[tuple[int, int], ...] = ()
    #: Whose midnight begins a day, as an offset of whole hours from UTC.
    day_offset: int = 0

    @property
    def lease(self) -> int:
        return self.send_window + self.timeout + self.grace

    def day_of(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, timezone(timedelta(hours=self.day_offset))).date()

    def limit_at(self, at: int) -> int | None:
        """Of the day's calls; None for no limit."""
        return next((limit for since, limit in reversed(self.limits) if since <= at), None)

    @staticmethod
    def read(record: dict | None) -> "Terms | None":
        if record is None:
            return None
        return Terms(**dict(record, limits=tuple(map(tuple, record.get("limits", ())))))
