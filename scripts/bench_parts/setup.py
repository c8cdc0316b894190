"""What a run is made under: one value, so that two runs can be told to differ in one thing only."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Setup:
    # Calls in flight.
    in_flight: int = 64
    accounts: int = 1000
    # h1: HTTP/1.1 without TLS; h2: HTTP/2 with TLS.
    http: str = "h1"
    # quorum or classic.
    queues: str = "quorum"
    # The daemon's, full or normal.
    durability: str = "full"
    # Of one account: the daemon's default is 1.
    per_account: int = 1
    # Daemons that share a ledger.
    members: int = 1
    # Milliseconds that the API takes for a call; 0: as long as nginx does.
    latency: int = 0
    # Calls of a day; 0: no limit.
    day: int = 0
    # The share of traces that the daemon records; None: it makes no spans.
    tracing: float | None = None
    # A ledger in a database that has a standby, without which nothing is committed.
    standby: bool = False

    def as_dict(self) -> dict:
        return asdict(self)
