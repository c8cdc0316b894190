import CPostgres
import Clocks
import Glibc
import Ledger

/// A connection of whoever moves a whole ledger: one statement after another, and pages of rows by COPY, where a batch is
/// no larger than what the kernel takes at once. It blocks, for a thread that has nothing else to do.
///
/// A transaction is begun and ended by statements of its own: what a lost connection leaves undone is undone by the
/// server.
struct PostgresTransfer: ~Copyable {
    private let connection: PostgresConnection
    private var isLost = false

    /// Of one statement, which may read all of a table, or wait for a replica. Who has vanished is noticed sooner, by the
    /// keepalives.
    private static let timeout = Duration.seconds(600)
    /// Rows are handed to libpq in portions of this size, so that it keeps little of them.
    private static let portion = 256 << 10

    /// Takes over a connection that has nothing under way.
    init(_ connection: consuming PostgresConnection) throws(PostgresError) {
        // https://www.postgresql.org/docs/15/libpq-pipeline-mode.html
        let hasLeft = PQexitPipelineMode(connection.handle) == 1
        self.connection = connection
        guard hasLeft else { throw failure(.unavailable, "pipeline mode cannot be left") }
    }

    var endpoint: String { connection.endpoint }

    /// As a number: 150004.
    var release: Int { Int(PQserverVersion(connection.handle)) }

    // MARK: Statements

    @discardableResult
    mutating func run(_ text: String, _ parameters: [PostgresParameter] = []) throws(PostgresError) -> PostgresRows {
        try send(text, parameters)
        return try rest()
    }

    /// Fills a table with rows, in COPY's binary form.
    mutating func copy(_ rows: CopyRows, into table: String) throws(PostgresError) {
        guard !rows.isEmpty else { return }
        try send("COPY leave_album.\(table) FROM STDIN (FORMAT binary)", [])
        guard let begun = try next() else { throw failure(.fault, "COPY was not answered") }
        let status = PQresultStatus(begun)
        guard status == PGRES_COPY_IN else {
            let error = error(of: begun)
            PQclear(begun)
            _ = try? rest()
            throw error
        }
        PQclear(begun)
        let bytes = rows.bytes
        for start in stride(from: 0, to: bytes.count, by: Self.portion) {
            try put(bytes[start..<min(start + Self.portion, bytes.count)])
        }
        while true {
            let ended = PQputCopyEnd(connection.handle, nil)
            guard ended >= 0 else { throw lost() }
            if ended == 1 { break }
            try wait(POLLOUT)
        }
        try rest()
    }

    private mutating func put(_ bytes: ArraySlice<UInt8>) throws(PostgresError) {
        while true {
            let taken = bytes.withUnsafeBytes { bytes in
                PQputCopyData(
                    connection.handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
            }
            guard taken >= 0 else { throw lost() }
            if taken == 1 { break }
            try wait(POLLOUT)
        }
        try flush()
    }

    /// Waits without a statement for as long as the server stays.
    mutating func pause(for time: Duration) throws(PostgresError) {
        let end = connection.clock.now() + time
        while Readiness.wait(for: PQsocket(connection.handle), POLLIN, until: end, connection.clock) {
            guard PQconsumeInput(connection.handle) == 1 else { throw lost() }
        }
    }

    // MARK: libpq

    private mutating func send(_ text: String, _ parameters: [PostgresParameter]) throws(PostgresError) {
        guard !isLost else { throw failure(.unavailable, "the connection has ended") }
        _ = connection.notices.take()
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        for parameter in parameters {
            offsets.append(parameter.bytes == nil ? -1 : bytes.count)
            bytes += parameter.bytes ?? []
        }
        // A pointer to something, also where all parameters are NULL or empty.
        bytes.append(0)
        let lengths = parameters.map { Int32($0.bytes?.count ?? 0) }
        let types = parameters.map(\.type.oid)
        let isSent = CPostgres_send_once(connection.handle, text, Int32(types.count), types, bytes, offsets, lengths)
        guard isSent == 1 else { throw lost() }
    }

    /// All that is left of a statement's answer.
    @discardableResult
    private mutating func rest() throws(PostgresError) -> PostgresRows {
        var rows = PostgresRows(columns: [], values: [], affected: 0)
        var error: PostgresError?
        while let result = try next() {
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: rows = PostgresRows(result)
            default: error = self.error(of: result)
            }
            PQclear(result)
        }
        if let error { throw error }
        return rows
    }

    private mutating func next() throws(PostgresError) -> OpaquePointer? {
        try flush()
        while PQisBusy(connection.handle) == 1 {
            try wait(POLLIN)
            guard PQconsumeInput(connection.handle) == 1 else { throw lost() }
        }
        let result = PQgetResult(connection.handle)
        if result == nil, PQstatus(connection.handle) == CONNECTION_BAD { throw lost() }
        return result
    }

    private mutating func flush() throws(PostgresError) {
        while true {
            let left = PQflush(connection.handle)
            guard left >= 0 else { throw lost() }
            if left == 0 { return }
            // The server may have something to say before it takes more.
            try wait(POLLIN | POLLOUT)
            guard PQconsumeInput(connection.handle) == 1 else { throw lost() }
        }
    }

    private mutating func wait(_ events: Int32) throws(PostgresError) {
        let deadline = connection.clock.now() + Self.timeout
        guard Readiness.wait(for: PQsocket(connection.handle), events, until: deadline, connection.clock) else {
            isLost = true
            throw failure(.unavailable, "no answer within \(Self.timeout.inSeconds) s; the connection is dropped")
        }
    }

    // MARK: Errors

    private static let attempted = "moving the ledger"

    private func error(of result: OpaquePointer) -> PostgresError {
        PostgresError(PostgresReport(result), endpoint: endpoint, attempted: Self.attempted)
    }

    private mutating func lost() -> PostgresError {
        isLost = true
        return failure(.unavailable, LibpqMessage.text(String(cString: PQerrorMessage(connection.handle))))
    }

    func failure(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        PostgresError(kind: kind, endpoint: endpoint, attempted: Self.attempted, message: message)
    }

    // MARK: Transactions

    /// Neither a page that takes its time, on this side or on the server's, nor what is read of all jobs ends it.
    ///
    /// - Parameter mode: as it stands behind BEGIN.
    mutating func begin(_ mode: String = "") throws(PostgresError) {
        try run("BEGIN \(mode)")
        try run("SET LOCAL lock_timeout = '\(Self.lockTimeout.inSeconds)s'")
        // Tables that were just filled have no statistics, and whoever moves may log in as another role than the daemons'.
        try run("SET LOCAL enable_seqscan = off")
        try run("SET LOCAL idle_in_transaction_session_timeout = 0")
        if release >= 170_000 { try run("SET LOCAL transaction_timeout = 0") }
    }

    /// Somebody else's batch, or a table that is just being vacuumed, is done within that.
    private static let lockTimeout = Duration.seconds(10)

    /// - Throws: `.outcomeUnknown`, if it may be committed, here or on its replica. To begin the same move again finds that
    ///   out.
    mutating func commit() throws(PostgresError) {
        do throws(PostgresError) {
            try run("COMMIT")
        } catch {
            guard isLost else { throw error }
            throw doubt(error.message)
        }
        if let report = connection.notices.take().first(where: \.leavesCommitInDoubt) { throw doubt(report.message) }
    }

    private func doubt(_ message: String) -> PostgresError {
        var error = failure(.outcomeUnknown, message)
        error.remedy = "whether it is committed is not known: run the same command again, which goes on where it stood"
        return error
    }

    /// Runs `body` in a transaction that ends with it. After an error the connection is of no use to anybody.
    mutating func transaction<Answer>(
        _ body: (inout PostgresTransfer) throws(PostgresError) -> Answer
    ) throws(PostgresError) -> Answer {
        try begin()
        let answer: Answer
        do throws(PostgresError) {
            answer = try body(&self)
        } catch {
            if !isLost { _ = try? run("ROLLBACK") }
            throw error
        }
        try commit()
        return answer
    }
}
