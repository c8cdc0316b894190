import Clocks
import Ledger

/// A ledger whose files are not in their place any more: what was saved of it, and who was told.
struct LedgerDisplacement {
    enum Copy {
        case running(LedgerRescue)
        /// Records of jobs that were in flight go into the copy too.
        case saved(path: String, SQLiteRows)
        /// Nil: nothing is tried again, because there is nothing open to copy.
        case failed(LedgerError, retryAt: MonotonicTime?)
    }

    let difference: String
    var copy: Copy
    /// Why nothing is answered, in the words of now.
    private(set) var error: LedgerError
    /// Once it is told, or when it will be though the copy is not done: a large ledger takes minutes.
    var logAt: MonotonicTime?
    /// The copy has what the ledger could not be given as well: it cannot come back.
    var isBehind = false
    /// When what the copy did not take is tried again.
    var retryAt: MonotonicTime?

    /// Longest time that the hold waits for the copy before it is reported without it.
    static let retryInterval = Duration.seconds(5)
    /// A disk that was full may have space again; the copy is of the whole ledger, so not oftener.
    static let rest = Duration.seconds(60)

    init(_ difference: String, copy: Copy, at now: MonotonicTime) {
        self.difference = difference
        self.copy = copy
        logAt = now + Self.retryInterval
        error = .unavailable("\(OpenLedger.loss(difference)); it is being saved, and no job begins meanwhile")
    }

    /// Updates `error` to say how far the rescue has come.
    mutating func describe() {
        let beginning = OpenLedger.loss(difference)
        switch copy {
        case .running: break
        case .saved(let path, _):
            let end =
                isBehind
                ? "" : "; or put back the same file under its name, and it goes on by itself: then remove the copy"
            error = .unavailable(
                "\(beginning). What it knows is saved as \(path): stop the daemon, run `leave-albumd ledger restore "
                    + "\(path)`, and start it\(end)")
        case .failed(let reason, let retryAt):
            let next =
                retryAt == nil
                ? "nothing of it is open that could be copied"
                : "that is tried again each minute, and once more at the end, so leave the daemon running till then"
            error = .unavailable(
                "\(beginning). It could not be saved (\(reason)): \(next); or put back the same file under its name, and "
                    + "it goes on by itself; else stop the daemon and run `leave-albumd ledger restore` with a backup")
        }
    }

    var isBeingSaved: Bool { if case .running = copy { true } else { false } }

    /// When the ledger's thread has something to do for it.
    var wakeAt: MonotonicTime? {
        var time = MonotonicTime.earliest(logAt, retryAt)
        if case .failed(_, let retryAt) = copy { time = .earliest(time, retryAt) }
        return time
    }
}
