"""What a trial of leave-albumd stands on: processes, ports, a RabbitMQ node, the API's simulator, the daemon, a clock.

The parts of the entry point `scripts/NAME` are in `scripts/NAME_parts`; this package serves all of them, and
`scripts/auditor` uses nothing but itself.
"""
