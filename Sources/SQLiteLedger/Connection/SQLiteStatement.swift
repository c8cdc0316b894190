import CSQLite
import Clocks
import Jobs

/// A prepared statement. Bind from 1, read columns from 0; bind all parameters each time. Text and blobs are copied
/// both ways.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private unowned let connection: SQLiteConnection
    private let sql: String
    /// Binding has no place to throw from; what failed there, out of memory or too big, fails the next step.
    private var bindingFault: SQLiteFault?

    /// Copies of the text and blobs that are bound, which SQLite reads where they are. Its own copies would each be
    /// allocated and freed again.
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchSize, alignment: 1)
    private var scratchUsed = 0
    /// A job and its result, with identities and a body of the usual length. SQLite copies what does not fit.
    private static let scratchSize = 2_048

    // SQLITE_TRANSIENT is a cast of -1, which Swift does not import: SQLite copies at once.
    // https://sqlite.org/c3ref/c_static.html
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ handle: OpaquePointer, of connection: SQLiteConnection, sql: String) {
        self.handle = handle
        self.connection = connection
        self.sql = sql
    }

    deinit {
        sqlite3_finalize(handle)
        scratch.deallocate()
    }

    func reset() {
        bindingFault = nil
        // Its code repeats the fault of the last step, which was thrown there.
        sqlite3_reset(handle)
        scratchUsed = 0
    }

    /// Where SQLite finds `bytes` until the statement is reset, and whether it must copy them before that.
    private func keep(_ bytes: UnsafeRawBufferPointer) -> (start: UnsafeRawPointer?, lifetime: sqlite3_destructor_type?)
    {
        guard bytes.count <= scratch.count - scratchUsed else { return (bytes.baseAddress, Self.transient) }
        let kept = UnsafeMutableRawBufferPointer(rebasing: scratch[scratchUsed..<scratchUsed + bytes.count])
        kept.copyMemory(from: bytes)
        scratchUsed += bytes.count
        // Nil is SQLITE_STATIC.
        return (UnsafeRawPointer(kept.baseAddress), nil)
    }

    private func bound(_ code: Int32) -> Self {
        if code != SQLITE_OK, bindingFault == nil { bindingFault = connection.fault("binding for: \(sql)") }
        return self
    }

    @discardableResult
    func bind(_ index: Int32, _ value: [UInt8]) -> Self {
        let code = value.withUnsafeBytes { bytes in
            // A null pointer would bind NULL; an empty blob is not NULL.
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(handle, index, 0) }
            let kept = keep(bytes)
            return sqlite3_bind_blob64(handle, index, kept.start, UInt64(bytes.count), kept.lifetime)
        }
        return bound(code)
    }

    @discardableResult
    func bind(_ index: Int32, _ value: Int64?) -> Self {
        bound(value.map { sqlite3_bind_int64(handle, index, $0) } ?? sqlite3_bind_null(handle, index))
    }

    @discardableResult
    func bind(_ index: Int32, _ value: Int) -> Self { bind(index, Int64(value)) }

    @discardableResult
    func bind(_ index: Int32, _ value: Bool) -> Self { bind(index, Int64(value ? 1 : 0)) }

    @discardableResult
    func bind(_ index: Int32, _ value: Timestamp?) -> Self { bind(index, value?.milliseconds) }

    @discardableResult
    func bind(_ index: Int32, _ value: String?) -> Self {
        guard var value else { return bound(sqlite3_bind_null(handle, index)) }
        // With its length: what others chose, a correlation id for one, may have a zero byte in it.
        let code = value.withUTF8 { bytes in
            guard !bytes.isEmpty else { return sqlite3_bind_text(handle, index, "", 0, Self.transient) }
            let kept = keep(UnsafeRawBufferPointer(bytes))
            let start = kept.start?.assumingMemoryBound(to: CChar.self)
            return sqlite3_bind_text64(
                handle, index, start, UInt64(bytes.count), kept.lifetime, UInt8(SQLITE_UTF8))
        }
        return bound(code)
    }

    /// True while there is a row.
    func step() throws(SQLiteFault) -> Bool {
        if let bindingFault { throw bindingFault }
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw connection.fault(sql)
        }
    }

    /// Runs a statement that gives no rows.
    func run() throws(SQLiteFault) {
        defer { reset() }
        while try step() {}
    }

    /// Binds, and gives each row to `body`.
    func query<Row>(
        bind: (SQLiteStatement) -> Void, _ body: (SQLiteStatement) throws(SQLiteFault) -> Row
    ) throws(SQLiteFault) -> [Row] {
        // A statement that is not reset keeps its read transaction, and with it the log from being checkpointed.
        defer { reset() }
        bind(self)
        var rows: [Row] = []
        while try step() { rows.append(try body(self)) }
        return rows
    }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func int(_ column: Int32) -> Int { Int(integer(column)) }
    func bool(_ column: Int32) -> Bool { integer(column) != 0 }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func time(_ column: Int32) -> Timestamp { Timestamp(milliseconds: integer(column)) }
    func timeIfAny(_ column: Int32) -> Timestamp? { isNull(column) ? nil : time(column) }

    func text(_ column: Int32) -> String? {
        guard let start = sqlite3_column_text(handle, column) else { return nil }
        let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
        return String(decoding: bytes, as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
}
