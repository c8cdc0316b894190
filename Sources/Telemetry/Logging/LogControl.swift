import Synchronization

/// What may change of the log while the daemon runs. Shared by all copies of a logger; any thread reads and sets it.
public final class LogControl: Sendable {
    // Read for every line, also for those that are not written, so they must cost no more than a load.
    private let rank: Atomic<Int>
    private let hashes: Atomic<Bool>

    public init(level: LogLevel, hashesAccounts: Bool = false) {
        rank = Atomic(level.rank)
        hashes = Atomic(hashesAccounts)
    }

    /// Lines below it are not made.
    public var level: LogLevel {
        get {
            let now = rank.load(ordering: .relaxed)
            return LogLevel.allCases.first { $0.rank == now } ?? .info
        }
        set { rank.store(newValue.rank, ordering: .relaxed) }
    }

    /// Accounts appear as the beginning of their SHA-256.
    public var hashesAccounts: Bool {
        get { hashes.load(ordering: .relaxed) }
        set { hashes.store(newValue, ordering: .relaxed) }
    }

    func permits(_ level: LogLevel) -> Bool { level.rank >= rank.load(ordering: .relaxed) }

    /// Whoever asks for debug lines wants to know where they come from.
    var showsCode: Bool { permits(.debug) }
}
