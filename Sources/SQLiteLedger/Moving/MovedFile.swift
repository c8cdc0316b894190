import CLinux
import Clocks
import Concurrency
import Glibc
import Jobs
import Ledger

/// A ledger's file that is being made of another ledger, under a name that is not the ledger's.
///
/// What is in it is of no use to anybody before it is whole, so that a power cut may cost what has been copied since the
/// last checkpoint, and a kill nothing.
final class MovedFile {
    let path: String
    private(set) var mark: MoveMark?
    private let rows: SQLiteRows
    // Numbers are given in the order in which the jobs come.
    private var lastNumber: Int

    /// Makes the file, which is its owner's alone.
    ///
    /// - Parameters:
    ///   - ledger: what it is to become: root gives it to whom that or its directory belongs. Nil: nobody's ledger.
    ///   - mark: says that it is not to be used.
    static func make(
        _ path: String, for ledger: String?, mark: MoveMark, program: String
    ) throws(LedgerError) -> MovedFile {
        for suffix in ["", "-wal", "-shm", "-journal"] where access(path + suffix, F_OK) == 0 {
            guard unlink(path + suffix) == 0 else { throw LedgerBackup.ioFailure("removing \(path + suffix)") }
        }
        let descriptor = CLinux_open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LedgerBackup.ioFailure("making \(path)") }
        close(descriptor)
        if let ledger { try LedgerBackup.giveToOwner(path, of: ledger) }
        return try MovedFile(path, program: program, mark)
    }

    /// Opens one that is there; nil if none is, or if it was given up before there was anything in it.
    static func open(_ path: String, program: String) throws(LedgerError) -> MovedFile? {
        guard LedgerFile.exists(path) else { return nil }
        let file = try MovedFile(path, program: program, nil)
        return file.mark == nil ? nil : file
    }

    private init(_ path: String, program: String, _ mark: MoveMark?) throws(LedgerError) {
        self.path = path
        let connection: SQLiteConnection
        do throws(SQLiteFault) {
            connection = try LedgerFile(path: path, durability: .normal, program: program).open(nil)
        } catch {
            throw error.ledgerError(path: path)
        }
        let version = try LedgerSchema.check(connection, program: program, permitsMoved: true)
        if mark != nil { try LedgerSchema.migrate(connection, program: program, permitsMoved: true) }
        do throws(SQLiteFault) {
            rows = SQLiteRows(connection: connection)
            if let mark { try mark.write(to: connection) }
            self.mark = version > 0 || mark != nil ? try MoveMark.read(from: connection) : nil
            lastNumber = self.mark == nil ? 0 : Int(try connection.integer("SELECT ifnull(max(number), 0) FROM jobs"))
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    /// All of a page in one commit, with the word of how far it goes.
    func add(_ page: MovePage) throws(LedgerError) {
        guard var next = mark else { preconditionFailure("what is made has a mark") }
        next.cursor = page.cursor
        var number = lastNumber
        try commit { rows throws(SQLiteFault) in
            var sums = LedgerSums()
            for job in page.jobs {
                if let row = job.row {
                    number += 1
                    sums.move(from: nil, to: row)
                }
                try rows.add(job, number: number)
            }
            try rows.add(sums)
            try next.write(to: rows.connection)
        }
        lastNumber = number
        mark = next
    }

    func add(_ beside: MovedBeside) throws(LedgerError) {
        try commit { rows throws(SQLiteFault) in try rows.add(beside) }
    }

    /// - Parameter mark: nil: it is a ledger like any other from here on.
    func set(_ mark: MoveMark?) throws(LedgerError) {
        try commit { rows throws(SQLiteFault) in
            if let mark { try mark.write(to: rows.connection) } else { try MoveMark.remove(from: rows.connection) }
        }
        self.mark = mark
    }

    /// All of it is on the disk then. Let the file go after that, and it is one file, which can have another name.
    func takeLogIn() throws(LedgerError) {
        try read { rows throws(SQLiteFault) in
            try rows.connection.execute("PRAGMA synchronous = FULL")
            try rows.connection.emptyLog()
        }
    }

    /// For a copy that is kept: one file, whoever opens it.
    func useNoLog() throws(LedgerError) {
        try read { rows throws(SQLiteFault) in try rows.connection.execute("PRAGMA journal_mode = DELETE") }
    }

    func load(_ ids: [JobID]) throws(LedgerError) -> [JobID: MovedJob] {
        try read { rows throws(SQLiteFault) in try rows.moved(ids) }
    }

    func beside() throws(LedgerError) -> MovedBeside {
        try read { rows throws(SQLiteFault) in try rows.movedBeside() }
    }

    func counts() throws(LedgerError) -> MoveCounts {
        try read { rows throws(SQLiteFault) in try rows.movedCounts() }
    }

    private func read<Answer>(_ body: (SQLiteRows) throws(SQLiteFault) -> Answer) throws(LedgerError) -> Answer {
        do throws(SQLiteFault) {
            return try body(rows)
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    private func commit(_ body: (SQLiteRows) throws(SQLiteFault) -> Void) throws(LedgerError) {
        try read { rows throws(SQLiteFault) in
            do throws(SQLiteFault) {
                try rows.connection.execute("BEGIN IMMEDIATE")
                try body(rows)
                try rows.connection.execute("COMMIT")
            } catch {
                rows.connection.rollBack()
                throw error
            }
        }
    }
}
