import Glibc
package import Jobs
package import Ledger

/// The ledger's file that is made of a database: under another name until it is whole. Its lock is held meanwhile, so that
/// no daemon makes a new one by its name.
package final class FileMoveTarget: MoveTarget {
    package let place: String
    private let path: String
    private let program: String
    private let lock: LedgerLock
    // Nil while there is none, and once it has its name.
    private var file: MovedFile?
    /// Of a file that has the ledger's name already.
    private let finished: MoveMark?
    /// There is a file of that name, whatever it is.
    private let isTaken: Bool

    /// `lock` is of the same path.
    package init(path: String, lock: LedgerLock, program: String) throws(LedgerError) {
        place = "ledger \(path)"
        self.path = path
        self.program = program
        self.lock = lock
        isTaken = ["", "-wal", "-shm"].contains { access(path + $0, F_OK) == 0 }
        finished = isTaken ? Self.mark(of: path) : nil
        file = isTaken ? nil : try MovedFile.open(Self.part(path), program: program)
    }

    deinit {
        file = nil
        lock.release()
    }

    private static func part(_ path: String) -> String { path + ".moving" }

    /// Nil for whatever is no ledger that was made by a move.
    private static func mark(of path: String) -> MoveMark? {
        guard LedgerFile.exists(path), let connection = try? SQLiteConnection(path: path, mode: .readOnly) else {
            return nil
        }
        return (try? MoveMark.read(from: connection)).flatMap { $0 }
    }

    package var mark: MoveMark? {
        guard let file else { return finished }
        // It has arrived when it has its name.
        var mark = file.mark
        if mark?.state == .arrived { mark?.state = .arriving }
        return mark
    }

    package func begin(_ moveID: String, from place: String, beginsAnew: Bool) throws(LedgerError) {
        guard !isTaken else {
            throw .unusable("there is a file at \(path), or the log of one: move it away, or name another path")
        }
        file = nil
        file = try MovedFile.make(
            Self.part(path), for: path, mark: MoveMark(.arriving, moveID: moveID, place: place), program: program)
    }

    package func add(_ page: MovePage) throws(LedgerError) { try open.add(page) }

    package func add(_ beside: MovedBeside) throws(LedgerError) { try open.add(beside) }

    package func load(_ ids: [JobID]) throws(LedgerError) -> [JobID: MovedJob] { try open.load(ids) }

    package func beside() throws(LedgerError) -> MovedBeside { try open.beside() }

    package func counts() throws(LedgerError) -> MoveCounts { try open.counts() }

    private var open: MovedFile {
        guard let file else { preconditionFailure("what is made is open until it has its name") }
        return file
    }

    package func makeDurable() throws(LedgerError) {
        try open.takeLogIn()
        try LedgerBackup.flush(open.path)
        try LedgerBackup.flush(LedgerDisk.directory(of: path))
    }

    /// The whole file is on the disk before it has its name, and the name is on the disk when this returns.
    package func arrive() throws(LedgerError) {
        guard let part = try close() else { return }
        try LedgerBackup.flush(part)
        try LedgerBackup.giveToOwner(LedgerFiles.resolved(path) + ".lock", of: path)
        guard rename(part, path) == 0 else { throw LedgerBackup.ioFailure("renaming \(part) to \(path)") }
        try LedgerBackup.flush(LedgerDisk.directory(of: path))
    }

    /// The name of the file, which is one file then. Nil: it has the ledger's name already.
    private func close() throws(LedgerError) -> String? {
        guard let made = file else { return nil }
        if var mark = made.mark, mark.state != .arrived {
            mark.state = .arrived
            mark.cursor = nil
            try made.set(mark)
        }
        try made.takeLogIn()
        file = nil
        return made.path
    }
}
