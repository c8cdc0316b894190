"""Chaos: faults fall on a running daemon by a seeded schedule. What became of every job is for the auditor to prove."""
