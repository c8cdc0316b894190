import Concurrency
import Ledger

/// The newest state of what all members share that this process has written or read, as it is stored: what a database that
/// failed over may have lost, and can be given again.
///
/// Each version was made of the one before it, and nobody makes another one before all have compared: so whatever the
/// members know are parts of one row of versions, and the newest that any of them knows has the last word of each operator,
/// whether it paused or resumed. A version that only a member knew which is gone is lost.
final class ClusterMemory: Sendable {
    struct Known: Equatable, Sendable {
        var version: Int64
        var stored: [UInt8]
    }

    // Written and read on the ledger's thread alone, where each answer is read before the next batch is sent.
    private let newest = Lock<Known?>(nil)

    var known: Known? { newest.withLock { $0 } }

    /// False: it is older than one that is known, and says nothing: newer ones are lost. Only while the answer is read is
    /// that so: a moment later this process may have made another.
    @discardableResult
    func note(version: Int64, stored: [UInt8]) -> Bool {
        newest.withLock { known in
            if known.map({ $0.version < version }) ?? true { known = Known(version: version, stored: stored) }
            return known?.version == version
        }
    }
}

extension LedgerQuestion {
    /// `read`: on the thread that asks, once it is committed.
    func reading<Read: Sendable>(_ read: @escaping @Sendable (Answer) -> Read) -> LedgerQuestion<Read> {
        LedgerQuestion<Read>(steps: steps, place: place) { [decode] rows throws(PostgresDecodingError) in
            read(try decode(rows))
        }
    }
}
