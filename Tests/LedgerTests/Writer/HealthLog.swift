import Clocks

@testable import Ledger
@testable import SQLiteLedger

/// The ledger's health as it was told, to be waited for.
final class HealthLog: Sendable {
    private let stream: AsyncStream<LedgerHealth>
    private let continuation: AsyncStream<LedgerHealth>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func reported(_ health: LedgerHealth) {
        continuation.yield(health)
    }

    /// The next one that was told. One caller at a time.
    func next() async -> LedgerHealth? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}
