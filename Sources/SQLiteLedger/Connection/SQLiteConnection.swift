import CSQLite

/// One connection and its prepared statements. It belongs to the thread that made it, which may lend the handle, and
/// then leaves it alone until it has it back.
final class SQLiteConnection {
    enum Mode {
        /// Makes the file if there is none.
        case readWrite
        case existing
        case readOnly
    }

    let path: String
    let handle: OpaquePointer
    /// By the numbers of their texts; nil where this connection had no use for one.
    private var statements: [SQLiteStatement?] = []
    /// As the last commit of this connection left it, if it counts them.
    fileprivate(set) var pagesInLog = 0

    /// Only a person with another tool, or a checkpoint, keeps a connection waiting; longer than this is trouble that
    /// an operator should hear of, and the ledger's thread must come round for the watchdog.
    private static let busyTimeoutMilliseconds: Int32 = 2_000

    /// SQLite's count of its memory, which nobody reads, takes a lock of the whole process at each allocation.
    /// https://sqlite.org/c3ref/c_config_covering_index_scan.html#sqliteconfigmemstatus
    private static let countsNoMemory: Void = CSQLite_count_no_memory()

    init(path: String, mode: Mode) throws(SQLiteFault) {
        Self.countsNoMemory
        var opened: OpaquePointer?
        let flags =
            switch mode {
            case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .existing: SQLITE_OPEN_READWRITE
            case .readOnly: SQLITE_OPEN_READONLY
            }
        // https://sqlite.org/threadsafe.html
        let code = sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            let extended = opened.map { sqlite3_extended_errcode($0) } ?? code
            sqlite3_close_v2(opened)
            throw SQLiteFault(code: extended, attempted: "opening \(path)", message: message)
        }
        self.path = path
        handle = opened
        // https://sqlite.org/rescode.html
        sqlite3_extended_result_codes(handle, 1)
        // https://sqlite.org/c3ref/busy_timeout.html
        sqlite3_busy_timeout(handle, Self.busyTimeoutMilliseconds)
    }

    deinit {
        // Statements first: sqlite3_close_v2 would keep a zombie for each that is left.
        // https://sqlite.org/c3ref/close.html
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

    // MARK: The log

    /// Installs the commit hook that counts pages; SQLite's automatic checkpoints end with it.
    func countPagesInLog() {
        // https://sqlite.org/c3ref/wal_hook.html
        sqlite3_wal_hook(handle, noteCommit, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Runs a passive checkpoint, which waits for no reader. Returns how many of the log's pages are in the file
    /// now.
    func checkpointLog() throws(SQLiteFault) -> Int {
        var (pages, checkpointed): (Int32, Int32) = (0, 0)
        // https://sqlite.org/c3ref/wal_checkpoint_v2.html
        let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &pages, &checkpointed)
        guard code == SQLITE_OK else { throw fault("folding the log") }
        return Int(checkpointed)
    }

    /// Takes the whole log into the file and makes it empty. A reader that is at work may keep some of it.
    func emptyLog() throws(SQLiteFault) {
        // https://sqlite.org/pragma.html#pragma_wal_checkpoint
        try execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    // MARK: Faults

    /// How many rows the last statement that writes has written.
    var lastChangedRows: Int { Int(sqlite3_changes(handle)) }

    /// Of the row that was inserted last, where its table gives numbers.
    var lastInsertedNumber: Int { Int(sqlite3_last_insert_rowid(handle)) }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    func fault(_ attempted: String) -> SQLiteFault {
        SQLiteFault(
            code: sqlite3_extended_errcode(handle),
            attempted: attempted.split(separator: "\n").first.map(String.init) ?? "",
            message: String(cString: sqlite3_errmsg(handle)))
    }
}

// File-private and free: SQLite calls it on the connection's own thread.
private func noteCommit(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ database: UnsafePointer<CChar>?, _ pages: Int32
) -> Int32 {
    guard let context else { return SQLITE_OK }
    Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().pagesInLog = Int(pages)
    return SQLITE_OK
}
