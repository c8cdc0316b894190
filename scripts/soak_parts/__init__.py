"""A long run of the daemon, and whether what it uses stays flat."""
