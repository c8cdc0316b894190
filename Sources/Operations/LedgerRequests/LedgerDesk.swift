import Files
import JSON
import Jobs
public import Ledger
public import Threads

/// Answers the operators' requests about the ledger: the daemon over its control socket, a command by itself where no
/// daemon runs. One place, so that both say the same; each request has its answer beside its type.
public struct LedgerDesk: Sendable {
    let source: LedgerSource
    let clock: any Timekeeper
    let publish: @Sendable (StoredResult) async -> Bool
    let announce: @Sendable (StoredResult) async -> Bool

    /// `publish`: publishes a stored result as a replay, and says whether the broker confirmed it. `announce`: the same
    /// of a result that nobody has had; without it, the next daemon does.
    public init(
        _ source: LedgerSource, clock: any Timekeeper = SystemTimekeeper(),
        publish: @escaping @Sendable (StoredResult) async -> Bool,
        announce: @escaping @Sendable (StoredResult) async -> Bool = { _ in false }
    ) {
        self.source = source
        self.clock = clock
        self.publish = publish
        self.announce = announce
    }

    func publishAll(_ results: [StoredResult]) async throws(DeskFault) {
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
