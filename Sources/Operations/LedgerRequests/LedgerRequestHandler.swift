package import Clocks
import Files
import JSON
import Jobs
package import Ledger

/// Answers the operators' requests about the ledger: the daemon over its control socket, a command by itself where no
/// daemon runs. One place, so that both say the same; each request has its answer beside its type.
package struct LedgerRequestHandler: Sendable {
    let source: LedgerSource
    /// This host's, to open a ledger with; what is compared with its times is by its own.
    private let clock: any TimeSource
    let publish: @Sendable (StoredResult) async -> Bool
    let publishNew: @Sendable (StoredResult) async -> Bool

    /// `publish`: publishes a stored result as a replay, and says whether the broker confirmed it. `publishNew`: the
    /// same of a result that nobody has had; without it, the next daemon does.
    package init(
        _ source: LedgerSource, clock: any TimeSource = SystemTimeSource(),
        publish: @escaping @Sendable (StoredResult) async -> Bool,
        publishNew: @escaping @Sendable (StoredResult) async -> Bool = { _ in false }
    ) {
        self.source = source
        self.clock = clock
        self.publish = publish
        self.publishNew = publishNew
    }

    /// For what only looks.
    func read<Answer: Sendable>(
        _ body: (any LedgerReading) async throws(LedgerError) -> Answer
    ) async throws(ControlFault) -> Answer {
        try await source.read(clock: clock, body)
    }

    /// For what changes the ledger.
    func write<Answer: Sendable>(
        _ body: (any LedgerKeeping) async throws(LedgerError) -> Answer
    ) async throws(ControlFault) -> Answer {
        try await source.write(clock: clock, body)
    }

    func publishAll(_ results: [StoredResult]) async throws(ControlFault) {
        let publish = self.publish
        let confirmed = await withTaskGroup(of: Bool.self) { group in
            for result in results { group.addTask { await publish(result) } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        guard confirmed == results.count else {
            throw .unavailable("the broker confirmed \(confirmed) of \(results.count) results; try again")
        }
    }
}
