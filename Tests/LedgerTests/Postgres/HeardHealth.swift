import Concurrency

@testable import Ledger
@testable import PostgresLedger

/// What a ledger has said of its health.
final class HeardHealth: Sendable {
    let words = Lock<[LedgerHealth]>([])
    let news = AsyncSignal()

    func note(_ word: LedgerHealth) {
        words.withLock { $0.append(word) }
        news.signal()
    }

    /// The first of such words.
    func first(where isMeant: (LedgerHealth) -> Bool) async -> LedgerHealth {
        var heard = 0
        while true {
            if let word = words.withLock({ $0 }).first(where: isMeant) { return word }
            heard += 1
            await news.wait(for: heard)
        }
    }
}
