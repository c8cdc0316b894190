import CPostgres
import Clocks
import Concurrency
import Glibc

/// One connection to one server: libpq's handle, in pipeline mode and non-blocking, good for one batch at a time.
///
/// A batch has its deadline, and nothing else ends it: when it passes, the connection is cut. A cancel is never sent,
/// for it would end the server's wait for its replica and make a success of a commit that only this server has.
/// After an error for which `isUsable` is false the only thing left to do with the connection is to let it go.
struct PostgresConnection: ~Copyable {
    /// Host and database.
    let endpoint: String
    /// The most bytes of a batch that the kernel takes at once. A test may ask for more.
    var mostBytes: Int
    let clock: any TimeSource
    let handle: OpaquePointer
    let notices: NoticeLog
    /// Statements that the server has by their name.
    private var prepared: [String: PostgresStatement] = [:]
    private var underWay: UnderWay?
    private(set) var isUsable = true

    private struct UnderWay {
        var progress: BatchProgress
        let deadline: MonotonicTime
        let timeout: Duration
    }

    /// Looks the host up, connects, logs in and asks whether the server takes writes. It blocks for at most
    /// `configuration.connectTimeout`, so the caller's thread has nothing else to do meanwhile; where: in `poll` for
    /// the name, which is looked up on a thread of its own, and for the server. libpq itself blocks nowhere, but for
    /// reading the files of certificates, because it is given addresses and never a name to look up.
    static func open(
        to host: PostgresHost, _ configuration: PostgresConfiguration, clock: any TimeSource = SystemTimeSource()
    ) throws(PostgresError) -> PostgresConnection {
        let notices = NoticeLog()
        let login = PostgresLogin(host: host, configuration: configuration, clock: clock, notices: notices)
        var connection = PostgresConnection(try login.connect(), of: login)
        try connection.demandWrites(until: login.deadline)
        return connection
    }

    private init(_ handle: OpaquePointer, of login: PostgresLogin) {
        self.handle = handle
        notices = login.notices
        clock = login.clock
        endpoint = login.endpoint
        mostBytes = Self.sendBuffer(PQsocket(handle), asking: login.configuration.sendBuffer)
        _ = notices.take()
    }

    deinit {
        // libpq's farewell would first send what it has kept of a batch, and commit it.
        if !isUsable || underWay != nil { cut() }
        PQfinish(handle)
        withExtendedLifetime(notices) {}
    }

    /// The server hears of it at once, and undoes what is half done.
    func cut() {
        shutdown(PQsocket(handle), Int32(SHUT_RDWR))
    }

    /// The kernel gives twice what it is asked for, so that its own bookkeeping has its space beside the bytes.
    /// https://man7.org/linux/man-pages/man7/socket.7.html (`SO_SNDBUF`)
    private static func sendBuffer(_ socket: Int32, asking wanted: Int) -> Int {
        var size = Int32(clamping: wanted)
        var length = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, length)
        guard getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 else { return 0 }
        return Int(size) / 2
    }

    /// `target_session_attrs` is ours: libpq would go on to the next host by itself, whatever the deadline.
    private mutating func demandWrites(until deadline: MonotonicTime) throws(PostgresError) {
        var batch = PostgresBatch()
        batch.add(Self.writability)
        var answer: String?
        let left = deadline - clock.now()
        guard left > .zero else {
            isUsable = false
            throw PostgresError(
                kind: .unavailable, endpoint: endpoint, attempted: "connecting",
                message: "logging in took all the time that there is for it")
        }
        do throws(PostgresError) {
            let rows = try run(batch, within: left).rows()
            answer = try? rows.first?.value(0, 0, as: String.self)
        } catch {
            var error = error
            // Nothing was to be committed.
            if error.kind == .outcomeUnknown { error.kind = .unavailable }
            error.attempted = "connecting"
            throw error
        }
        guard answer == "off" else {
            isUsable = false
            throw PostgresError(
                kind: .unavailable, endpoint: endpoint, attempted: "connecting", message: "it takes no writes",
                state: "25006")
        }
    }

    private static let writability = PostgresStatement("writability", "SHOW transaction_read_only")

    // MARK: For a loop that polls

    /// Readable when something came of the batch that is under way, or the server closed an idle connection.
    var descriptor: Int32 { PQsocket(handle) }

    /// When the batch that is under way is given up.
    var deadline: MonotonicTime? { underWay?.deadline }

    /// Sends a batch, whose answer `advance` gives. It is with the kernel as a whole, or the connection ends: half of
    /// one would hold its locks at the server until the rest came.
    ///
    /// - Throws: before anything of the batch can have been committed.
    mutating func begin(_ batch: PostgresBatch, within timeout: Duration) throws(PostgresError) {
        precondition(underWay == nil, "a connection has one batch at a time")
        guard isUsable else { throw unsent(.unavailable, "the connection has ended") }
        guard batch.byteCount <= mostBytes else {
            throw unsent(.fault, "it has \(batch.byteCount) bytes, and \(mostBytes) can be sent at once")
        }
        try hearFarewell()
        let progress = BatchProgress(batch, known: prepared, endpoint: endpoint)
        isUsable = false
        for step in progress.remaining {
            let execution = batch.executions[step.statement]
            let isTaken =
                switch step {
                case .prepare: prepare(execution.statement)
                case .run: send(execution)
                }
            guard isTaken else { throw unsent(.unavailable, errorText) }
        }
        guard PQpipelineSync(handle) == 1, PQflush(handle) == 0 else {
            throw unsent(.unavailable, "it could not be sent at once; the connection is dropped, and nothing is done")
        }
        isUsable = true
        underWay = UnderWay(progress: progress, deadline: clock.now() + timeout, timeout: timeout)
    }

    /// Takes what has come; nil: not all of the answer has. It never waits.
    ///
    /// - Throws: if the connection is lost or given up, or if the commit is in doubt.
    mutating func advance() throws(PostgresError) -> PostgresBatchAnswer? {
        guard var current = underWay else { preconditionFailure("a batch is under way") }
        let isAlive = PQconsumeInput(handle) == 1
        // What came before the end is still read, without waiting; after a fault of this side, such as no memory, libpq
        // would wait.
        guard isAlive || PQstatus(handle) == CONNECTION_BAD else { throw lose(current, errorText) }
        while !isAlive || PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                guard PQstatus(handle) != CONNECTION_BAD else { throw lose(current, errorText) }
                current.progress.endStep()
                continue
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: current.progress.succeed(PostgresRows(result))
            case PGRES_PIPELINE_ABORTED: current.progress.abort()
            case PGRES_PIPELINE_SYNC:
                return try end(current.progress)
            default:
                let report = PostgresReport(result)
                guard !report.state.isEmpty else { throw lose(current, LibpqMessage.text(report.message)) }
                current.progress.fail(report)
            }
        }
        underWay = current
        guard clock.now() < current.deadline else {
            throw lose(current, "no answer within \(current.timeout.inSeconds) s; the connection is dropped")
        }
        return nil
    }

    private mutating func end(_ progress: BatchProgress) throws(PostgresError) -> PostgresBatchAnswer {
        underWay = nil
        for statement in progress.prepared { prepared[statement.name] = statement }
        let notices = notices.take()
        switch progress.end(notices) {
        case .complete(let outcomes):
            let answer = PostgresBatchAnswer(outcomes: outcomes, notices: notices)
            // A server that takes no writes any more is to be left for another.
            if answer.failure?.kind == .unavailable { isUsable = false }
            return answer
        case .failed(let error):
            throw error
        }
    }

    /// Gives up the batch that is under way, and the connection with it.
    mutating func abandon(_ message: String) -> PostgresError {
        guard let current = underWay else { preconditionFailure("a batch is under way") }
        return lose(current, message)
    }

    private mutating func lose(_ current: UnderWay, _ message: String) -> PostgresError {
        isUsable = false
        underWay = nil
        return current.progress.lose(notices.take(), message)
    }

    /// What came while nothing was under way is a parameter's new value, a remark, or the end.
    private mutating func hearFarewell() throws(PostgresError) {
        var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        let isAlive = poll(&socket, 1, 0) == 0 || PQconsumeInput(handle) == 1
        // Which parses what was read, now or with the last answer.
        _ = PQisBusy(handle)
        let last = notices.take().first { $0.endsConnection }
        guard isAlive, last == nil, PQstatus(handle) != CONNECTION_BAD else {
            isUsable = false
            guard let last else { throw unsent(.unavailable, errorText) }
            throw PostgresError(last, endpoint: endpoint, attempted: Self.sending)
        }
    }

    private func prepare(_ statement: PostgresStatement) -> Bool {
        let types = statement.parameters.map(\.oid)
        return PQsendPrepare(handle, statement.name, statement.text, Int32(types.count), types) == 1
    }

    private func send(_ execution: PostgresBatch.Execution) -> Bool {
        var bytes: [UInt8] = []
        var offsets: [Int] = []
        var lengths: [Int32] = []
        for parameter in execution.parameters {
            offsets.append(parameter.bytes == nil ? -1 : bytes.count)
            lengths.append(Int32(parameter.bytes?.count ?? 0))
            bytes += parameter.bytes ?? []
        }
        // A pointer to something, also where all parameters are NULL or empty.
        bytes.append(0)
        return CPostgres_send_prepared(
            handle, execution.statement.name, Int32(offsets.count), bytes, offsets, lengths) == 1
    }

    private static let sending = "sending a batch"

    private func unsent(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        PostgresError(kind: kind, endpoint: endpoint, attempted: Self.sending, message: message)
    }

    private var errorText: String { LibpqMessage.text(String(cString: PQerrorMessage(handle))) }

    // MARK: For a thread that has nothing else to do

    /// Sends a batch and waits for its answer.
    mutating func run(_ batch: PostgresBatch, within timeout: Duration) throws(PostgresError) -> PostgresBatchAnswer {
        try begin(batch, within: timeout)
        while true {
            if let answer = try advance() { return answer }
            guard let deadline else { preconditionFailure("a batch without an answer is under way") }
            Readiness.wait(for: descriptor, POLLIN, until: deadline, clock)
        }
    }
}

/// poll(2) on one descriptor.
enum Readiness {
    /// False once the time has come.
    @discardableResult
    static func wait(
        for descriptor: Int32, _ events: Int32, until deadline: MonotonicTime, _ clock: any TimeSource
    ) -> Bool {
        while true {
            var socket = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            if poll(&socket, 1, (deadline - clock.now()).pollTimeout) > 0 { return true }
            guard clock.now() < deadline else { return false }
        }
    }

    /// False if it was not ready so long, or the wait was interrupted.
    static func wait(for descriptor: Int32, _ events: Int32, atMost duration: Duration) -> Bool {
        var socket = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return poll(&socket, 1, duration.pollTimeout) > 0
    }

    /// Until one of them can be read, or not so long.
    static func wait(forAny descriptors: [Int32], atMost duration: Duration) {
        var sockets = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&sockets, nfds_t(sockets.count), duration.pollTimeout)
    }
}

extension PostgresRows {
    /// Copies a result of libpq, which has all its values in binary.
    init(_ result: OpaquePointer) {
        let (rows, columns) = (PQntuples(result), PQnfields(result))
        var bytes: [UInt8] = []
        var ranges: [Range<Int>?] = []
        ranges.reserveCapacity(Int(rows) * Int(columns))
        for row in 0..<rows {
            for column in 0..<columns {
                guard PQgetisnull(result, row, column) == 0, let value = PQgetvalue(result, row, column) else {
                    ranges.append(nil)
                    continue
                }
                let count = Int(PQgetlength(result, row, column))
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: value, count: count))
                ranges.append(bytes.count - count..<bytes.count)
            }
        }
        self.init(
            columns: (0..<columns).map { PQftype(result, $0) }, bytes: bytes, ranges: ranges,
            affected: PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0)
    }
}
