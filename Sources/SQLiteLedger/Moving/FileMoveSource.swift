import Jobs
package import Ledger

/// The ledger's file that is moved into a database. Nobody else has it meanwhile: its lock is held.
///
/// Jobs come in the order of their numbers, behind them the cancels of jobs that never came in the order of their ids.
package final class FileMoveSource: MoveSource {
    package let place: String
    package private(set) var mark: MoveMark?
    package let moveID: String
    package let size: Int
    private let lock: LedgerLock
    // Nil from the end on: the file is closed before its lock goes.
    private var rows: SQLiteRows?

    /// Opens the file, and brings it to the current schema. `lock` is of the same path.
    ///
    /// - Parameter program: as in `EmbeddedLedger`.
    package init(path: String, lock: LedgerLock, program: String) throws(LedgerError) {
        guard try EmbeddedLedger.exists(path: path) else { throw .unusable("there is no ledger at \(path)") }
        place = "ledger \(path)"
        self.lock = lock
        let file = LedgerFile(path: path, durability: .full, program: program)
        let connection: SQLiteConnection
        do throws(SQLiteFault) {
            connection = try file.open(lock.identity)
        } catch {
            throw error.ledgerError(path: path)
        }
        try LedgerSchema.migrate(connection, program: program, permitsMoved: true)
        do throws(SQLiteFault) {
            let rows = SQLiteRows(connection: connection)
            try rows.learnOfCancels()
            let mark = try MoveMark.read(from: connection)
            switch mark?.state {
            case .leaving, .left: moveID = mark?.moveID ?? ""
            case .arriving, .arrived, nil:
                moveID = String(UInt64.random(in: .min ... .max), radix: 16)
            }
            self.mark = mark
            size = try rows.movedSize()
            self.rows = rows
        } catch {
            throw error.ledgerError(path: path)
        }
    }

    deinit {
        rows = nil
        lock.release()
    }

    package func begin(to place: String) throws(LedgerError) {
        try set(MoveMark(.leaving, moveID: moveID, place: place))
    }

    package func page(after cursor: String?, limit: Int) throws(LedgerError) -> MovePage {
        try read { rows throws(SQLiteFault) in
            let place = Cursor(cursor)
            if case .job(let number) = place {
                let jobs = try rows.moved(after: number, limit: limit)
                if let last = jobs.last?.row { return MovePage(jobs: jobs, cursor: Cursor.job(last.number).text) }
            }
            var id: [UInt8] = []
            if case .cancel(let last) = place { id = last }
            let cancels = try rows.movedCancels(after: id, limit: limit)
            return MovePage(jobs: cancels, cursor: Cursor.cancel(cancels.last?.jobID.utf8 ?? id).text)
        }
    }

    package func beside() throws(LedgerError) -> MovedBeside {
        try read { rows throws(SQLiteFault) in try rows.movedBeside() }
    }

    package func leave(to place: String) throws(LedgerError) {
        try set(MoveMark(.left, moveID: moveID, place: place))
        // In the file itself, whatever becomes of its log.
        try read { rows throws(SQLiteFault) in try rows.connection.emptyLog() }
    }

    private func set(_ next: MoveMark) throws(LedgerError) {
        try read { rows throws(SQLiteFault) in try next.write(to: rows.connection) }
        mark = next
    }

    private func read<Answer>(_ body: (SQLiteRows) throws(SQLiteFault) -> Answer) throws(LedgerError) -> Answer {
        guard let rows else { preconditionFailure("the file is open until the end") }
        do throws(SQLiteFault) {
            return try body(rows)
        } catch {
            throw error.ledgerError(path: rows.connection.path)
        }
    }

    /// A place in the order of the pages.
    private enum Cursor {
        case job(Int)
        case cancel([UInt8])

        init(_ text: String?) {
            guard let text else {
                self = .job(0)
                return
            }
            self = Int(text).map { .job($0) } ?? .cancel(MovePage.bytes(ofCursor: text))
        }

        var text: String {
            switch self {
            case .job(let number): "\(number)"
            case .cancel(let id): MovePage.cursor(id)
            }
        }
    }
}
