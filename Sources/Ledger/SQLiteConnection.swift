import CSQLite

/// One connection and its prepared statements. It belongs to the thread that made it.
final class SQLiteConnection {
    enum Mode {
        case readWrite
        case readOnly
    }

    let path: String
    let handle: OpaquePointer
    /// By the numbers of their texts; nil where this connection had no use for one.
    private var statements: [SQLiteStatement?] = []

    /// Only a person with another tool, or a checkpoint, keeps a connection waiting; longer than this is trouble that
    /// an operator should hear of, and the ledger's thread must come round for the watchdog.
    private static let busyTimeoutMilliseconds: Int32 = 2_000

    /// SQLite's count of its memory, which nobody reads, takes a lock of the whole process at each allocation.
    private static let countsNoMemory: Void = CSQLite_count_no_memory()

    init(path: String, mode: Mode) throws(SQLiteFault) {
        Self.countsNoMemory
        var opened: OpaquePointer?
        let flags =
            switch mode {
            case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .readOnly: SQLITE_OPEN_READONLY
            }
        let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            let extended = opened.map { sqlite3_extended_errcode($0) } ?? code
            sqlite3_close_v2(opened)
            throw SQLiteFault(code: extended, attempted: "opening \(path)", message: message)
        }
        self.path = path
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, Self.busyTimeoutMilliseconds)
    }

    deinit {
        // Statements first: sqlite3_close_v2 would keep a zombie for each that is left.
        statements.removeAll()
        sqlite3_close_v2(handle)
    }

    /// Runs statements that give no rows.
    func execute(_ sql: String) throws(SQLiteFault) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw fault(sql) }
    }

    /// Ends a transaction that failed. SQLite has ended it already after some faults.
    func rollBack() {
        guard isInTransaction else { return }
        // It frees what was not committed; its own failure leaves nothing more to do, and the connection is reopened.
        sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
    }

    /// The statement of a text, prepared at its first use. Whoever steps it resets it.
    func statement(_ sql: SQL) throws(SQLiteFault) -> SQLiteStatement {
        if sql.number < statements.count, let known = statements[sql.number] { return known }
        let statement = try prepare(sql.text, isKept: true)
        while statements.count <= sql.number { statements.append(nil) }
        statements[sql.number] = statement
        return statement
    }

    /// A statement of a text that is seldom used, for this one time.
    func statement(_ text: String) throws(SQLiteFault) -> SQLiteStatement {
        try prepare(text, isKept: false)
    }

    private func prepare(_ text: String, isKept: Bool) throws(SQLiteFault) -> SQLiteStatement {
        var prepared: OpaquePointer?
        let flags = UInt32(isKept ? SQLITE_PREPARE_PERSISTENT : 0)
        let code = sqlite3_prepare_v3(handle, text, -1, flags, &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw fault(text) }
        return SQLiteStatement(prepared, of: self, sql: text)
    }

    /// Binds, and gives each row to `body`.
    func query<Row>(
        _ sql: SQL, bind: (SQLiteStatement) -> Void = { _ in },
        _ body: (SQLiteStatement) throws(SQLiteFault) -> Row
    ) throws(SQLiteFault) -> [Row] {
        try statement(sql).query(bind: bind, body)
    }

    func query<Row>(
        _ text: String, bind: (SQLiteStatement) -> Void = { _ in },
        _ body: (SQLiteStatement) throws(SQLiteFault) -> Row
    ) throws(SQLiteFault) -> [Row] {
        try statement(text).query(bind: bind, body)
    }

    /// The one integer that a statement gives; 0 if none.
    func integer(_ text: String, bind: (SQLiteStatement) -> Void = { _ in }) throws(SQLiteFault) -> Int64 {
        let statement = try statement(text)
        defer { statement.reset() }
        bind(statement)
        return try statement.step() ? statement.integer(0) : 0
    }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    func fault(_ attempted: String) -> SQLiteFault {
        SQLiteFault(
            code: sqlite3_extended_errcode(handle),
            attempted: attempted.split(separator: "\n").first.map(String.init) ?? "",
            message: String(cString: sqlite3_errmsg(handle)))
    }
}
