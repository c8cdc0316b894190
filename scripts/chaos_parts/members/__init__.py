"""Several daemons on one ledger: who they are, what strikes them, and what is published meanwhile."""
