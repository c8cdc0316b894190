import Concurrency
import Ledger

/// The files of the ledger that this process has open, for whoever opens them beside its writer: by name, so that what
/// has their names now must be asked first.
final class OpenLedger: Sendable {
    // Written by the ledger's thread each time it opens the file, read by readers and checkpoints; under the lock.
    private let files: Lock<LedgerFiles>
    let path: String

    init(_ files: LedgerFiles) {
        self.files = Lock(files)
        path = files.path
    }

    func has(_ now: LedgerFiles) { files.withLock { $0 = now } }

    /// Without symbolic links, as they were when it was opened.
    var place: String { files.withLock { $0.place } }

    var difference: String? { files.withLock { $0 }.difference }

    /// Throws while their names are not theirs: a reader would see another ledger, or mix the log of one with the file
    /// of the other.
    func requireInPlace() throws(LedgerError) {
        guard let difference else { return }
        throw .unavailable("\(Self.loss(difference)): nothing can be read beside it")
    }

    /// The beginning of all that is said of it.
    static func loss(_ difference: String) -> String {
        "the ledger that is open is not the one on the disk any more: \(difference)"
    }
}
