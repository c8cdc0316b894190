"""The proving ground of leave-albumd: seeded faults, and the proof of what became of every job."""
