import Clocks
import Concurrency

/// Checkpoints the write-ahead log of one connection by its plan. Owned by the ledger's thread.
///
/// A failed checkpoint is not reported here: the pages stay in the log, the log grows, and soon the same fault keeps
/// a commit from being written, which is reported.
struct WALCheckpointer: ~Copyable {
    private struct Checkpoint {
        let thread: NativeThread
        /// Nil while it lasts. Written once by its thread, read by the ledger's; under the lock.
        let outcome: Lock<Int??>
    }

    private let path: String
    private let files: LedgerFiles
    private var plan = CheckpointPolicy()
    private var checkpoint: Checkpoint?
    private var restedAt: MonotonicTime?

    /// Least time between the beginnings of two checkpoints, since each takes a thread and a connection.
    private static let rest = Duration.milliseconds(50)

    /// `files`: those of the connection.
    init(_ files: LedgerFiles) {
        path = files.path
        self.files = files
    }

    /// To be called after each commit.
    mutating func continueAfterCommit(_ connection: SQLiteConnection, at now: MonotonicTime) {
        plan.note(pages: connection.pagesInLog)
        if let checkpoint, checkpoint.outcome.withLock({ $0 != nil }) { waitForCheckpoint() }
        while true {
            let isRested = restedAt.map { $0 <= now } ?? true
            switch plan.next(pages: connection.pagesInLog, isCheckpointing: checkpoint != nil, isRested: isRested) {
            case .none: return
            case .beside:
                restedAt = now + Self.rest
                return beginCheckpoint()
            case .here:
                plan.begin()
                return plan.end(checkpointed: try? connection.checkpointLog())
            case .wait: waitForCheckpoint()
            }
        }
    }

    /// Waits until no checkpoint runs. To be called before the connection is closed or checkpoints the whole log.
    mutating func waitForCheckpoint() {
        guard let ended = checkpoint else { return }
        checkpoint = nil
        ended.thread.join()
        plan.end(checkpointed: ended.outcome.withLock { $0 ?? nil })
    }

    private mutating func beginCheckpoint() {
        plan.begin()
        let outcome = Lock<Int??>(nil)
        do throws(SystemCallError) {
            let thread = try NativeThread(name: "ledger-wal") { [path, files] in
                let checkpointed = Self.checkpoint(path, files)
                outcome.withLock { $0 = .some(checkpointed) }
            }
            checkpoint = Checkpoint(thread: thread, outcome: outcome)
        } catch {
            plan.end(checkpointed: nil)
        }
    }

    /// Through a connection of its own.
    private static func checkpoint(_ path: String, _ files: LedgerFiles) -> Int? {
        do throws(SQLiteFault) {
            let connection = try SQLiteConnection(path: path, mode: .existing)
            // The log must not come into a file that was put in the other's place: not even by a connection to that
            // which has read something and is closed. Nor must another log come into the file.
            guard files.difference == nil else { return nil }
            try connection.execute("PRAGMA synchronous = FULL")
            // Now it knows of the log: of the one that has its name.
            _ = try connection.integer("PRAGMA user_version")
            guard files.difference == nil else { return nil }
            return try connection.checkpointLog()
        } catch {
            return nil
        }
    }
}
