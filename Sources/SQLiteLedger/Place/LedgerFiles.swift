import Glibc

/// Which files an open ledger has: its own, the write-ahead log and the index of that, as they were when it was opened.
///
/// A ledger that is open goes on with them though they are moved, removed or replaced, and what it commits then is in
/// nobody's ledger after its end. Nil: not known, and not compared.
struct LedgerFiles: Equatable, Sendable {
    let path: String
    /// Where SQLite keeps log and index: it follows symbolic links.
    let place: String
    private let file: FileIdentity?
    private let log: FileIdentity?
    private let index: FileIdentity?

    /// As they are now. `file` is the one that is locked, if it is known.
    init(path: String, file: FileIdentity? = nil) {
        self.path = path
        place = Self.resolved(path)
        self.file = file ?? FileIdentity(path: path)
        log = FileIdentity(path: place + "-wal")
        index = FileIdentity(path: place + "-shm")
    }

    /// Of a ledger that is not open: its file alone. SQLite removes log and index with the last connection.
    init(path: String, closed file: FileIdentity?) {
        self.path = path
        place = Self.resolved(path)
        self.file = file
        log = nil
        index = nil
    }

    /// The path without symbolic links; the path itself where there is no file yet.
    static func resolved(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// What is not as it was, in words; nil if all is.
    var difference: String? {
        for (name, known) in [(path, file), (place + "-wal", log), (place + "-shm", index)] {
            guard let known else { continue }
            guard let found = FileIdentity(path: name) else { return "\(name) is gone" }
            if found != known { return "another file is now \(name)" }
        }
        // The same file by a link: who opens it next looks for log and index where the link leads, and finds none.
        let leads = Self.resolved(path)
        return leads == place ? nil : "\(path) leads to \(leads) now, and the log is \(place)-wal"
    }
}
