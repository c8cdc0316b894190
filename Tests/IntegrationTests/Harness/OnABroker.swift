import Testing

// Everything that runs against a real broker, in five lines beside each other: in each of them one test at a time,
// because there are two cores, and most of the time a test waits for a delay, a lease or a program's start. On the broker
// that they share no test touches what is another's.

/// Jobs, and what goes wrong around them.
@Suite(.serialized) struct OnABroker {}

/// What operators see and do.
@Suite(.serialized) struct OperatingOnABroker {}

/// The daemon as a process, and its file.
@Suite(.serialized) struct ServiceOnABroker {}

/// Daemons that share a ledger.
@Suite(.serialized) struct SharingOnABroker {}

/// Daemons and commands that are killed, again and again.
@Suite(.serialized) struct KilledOnABroker {}
