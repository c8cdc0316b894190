"""The times that a run's daemons keep to: short ones, so that a lease can be outlived in seconds."""

SEND_WINDOW_MS, TIMEOUT_MS, GRACE_MS = 1_000, 3_000, 1_000
#: Of a retry, the longest of these.
DELAYS_MS = (1_000, 3_000, 9_000)
LEASE_SECONDS = (SEND_WINDOW_MS + TIMEOUT_MS + GRACE_MS) / 1000


def settings(milliseconds: int) -> str:
    """A duration as the daemon's settings have it."""
    return f"{milliseconds}ms"
