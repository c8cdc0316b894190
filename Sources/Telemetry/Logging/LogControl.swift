import Synchronization

/// What may change of the log while the daemon runs. Shared by all copies of a logger; any thread reads and sets it.
package final class LogControl: Sendable {
    // Read for every line, also for those that are not written, so they must cost no more than a load.
    private let rank: Atomic<Int>
    private let hashes: Atomic<Bool>

    package init(level: LogLevel, hashesAccounts: Bool = false) {
        rank = Atomic(level.rank)
        hashes = Atomic(hashesAccounts)
    }

    /// Lines below it are not made.
    package var level: LogLevel {
        get {
            let now = rank.load(ordering: .relaxed)
            return LogLevel.allCases.first { $0.rank == now } ?? .info
        }
        set { rank.store(newValue.rank, ordering: .relaxed) }
    }

    /// Accounts appear as the beginning of their SHA-256.
    package var hashesAccounts: Bool {
        get { hashes.load(ordering: .relaxed) }
        set { hashes.store(newValue, ordering: .relaxed) }
    }

    func permits(_ level: LogLevel) -> Bool { level.rank >= rank.load(ordering: .relaxed) }

    /// Whether lines name their source file and line: from level `debug` on.
    var showsCode: Bool { permits(.debug) }
}
