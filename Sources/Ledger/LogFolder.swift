import Threads

/// Folds the log of one connection by its plan. It belongs to the ledger's thread.
///
/// What keeps a fold from writing is not told here: the pages stay in the log, the log grows, and soon the same keeps a
/// commit from writing, which is trouble.
struct LogFolder: ~Copyable {
    private struct Fold {
        let thread: NativeThread
        /// Nil while it lasts. Written once by its thread, read by the ledger's; under the lock.
        let outcome: Lock<Int??>
    }

    private let path: String
    private let files: LedgerFiles
    private var plan = FoldingPlan()
    private var fold: Fold?
    private var restedAt: MonotonicTime?

    /// From one fold's beginning to the next, unless the log is long: each is a thread and a connection.
    private static let rest = Duration.milliseconds(50)

    /// `files`: those of the connection.
    init(_ files: LedgerFiles) {
        path = files.path
        self.files = files
    }

    /// To be called after each commit.
    mutating func continueAfterCommit(_ connection: SQLiteConnection, at now: MonotonicTime) {
        plan.note(pages: connection.pagesInLog)
        if let fold, fold.outcome.withLock({ $0 != nil }) { waitForFold() }
        while true {
            let isRested = restedAt.map { $0 <= now } ?? true
            switch plan.next(pages: connection.pagesInLog, isFolding: fold != nil, isRested: isRested) {
            case .none: return
            case .beside:
                restedAt = now + Self.rest
                return beginFold()
            case .here:
                plan.begin()
                return plan.end(folded: try? connection.foldLog())
            case .wait: waitForFold()
            }
        }
    }

    /// Nothing is folded beside when it returns. To be called before the connection goes, or folds the whole log.
    mutating func waitForFold() {
        guard let ended = fold else { return }
        fold = nil
        ended.thread.join()
        plan.end(folded: ended.outcome.withLock { $0 ?? nil })
    }

    private mutating func beginFold() {
        plan.begin()
        let outcome = Lock<Int??>(nil)
        do throws(SystemCallError) {
            let thread = try NativeThread(name: "ledger-fold") { [path, files] in
                let folded = Self.fold(path, files)
                outcome.withLock { $0 = .some(folded) }
            }
            fold = Fold(thread: thread, outcome: outcome)
        } catch {
            plan.end(folded: nil)
        }
    }

    /// Through a connection of its own.
    private static func fold(_ path: String, _ files: LedgerFiles) -> Int? {
        do throws(SQLiteFault) {
            let connection = try SQLiteConnection(path: path, mode: .existing)
            // The log must not come into a file that was put in the other's place: not even by a connection to that
            // which has read something and is closed. Nor must another log come into the file.
            guard files.difference == nil else { return nil }
            try connection.execute("PRAGMA synchronous = FULL")
            // Now it knows of the log: of the one that has its name.
            _ = try connection.integer("PRAGMA user_version")
            guard files.difference == nil else { return nil }
            return try connection.foldLog()
        } catch {
            return nil
        }
    }
}
