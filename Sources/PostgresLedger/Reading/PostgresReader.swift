import Clocks
import Concurrency
import Ledger

/// A connection and a thread beside the ledger's own, for what takes long and decides nothing: histories, results,
/// checks, slices of pruning. One question after another; the connection is made for the first, and again when it was
/// lost.
final class PostgresReader: Sendable {
    /// Of a history or a page. A full check has longer.
    static let timeout = Duration.seconds(30)

    struct Request: Sendable {
        let query: LedgerQuery
        let timeout: Duration
    }

    private let thread: MailboxThread<Request>

    init(_ configuration: PostgresConfiguration, clock: any TimeSource) throws(SystemCallError) {
        thread = try MailboxThread(name: "ledger-reader") { mailbox in
            var work = ReaderWork(mailbox: mailbox, configuration: configuration, clock: clock)
            work.run()
        }
    }

    func ask<Answer: Sendable>(
        _ question: LedgerQuestion<Answer>, within timeout: Duration = timeout
    ) async throws(LedgerError) -> Answer {
        let result = await withCheckedContinuation { (reply: CheckedContinuation<Result<Answer, LedgerError>, Never>) in
            let request = Request(query: question.query { reply.resume(returning: $0) }, timeout: timeout)
            if !thread.post(request) { reply.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    /// Ends it in the middle of a question, which fails. It blocks: not for a task.
    func stop() { thread.stop() }
}

private struct ReaderWork: ~Copyable {
    let mailbox: MailboxOwner<PostgresReader.Request>
    let configuration: PostgresConfiguration
    let clock: any TimeSource
    private var connection: PostgresConnection?
    private var rotation: HostRotation
    private var waiting: [PostgresReader.Request] = []

    init(mailbox: MailboxOwner<PostgresReader.Request>, configuration: PostgresConfiguration, clock: any TimeSource) {
        self.mailbox = mailbox
        self.configuration = configuration
        self.clock = clock
        rotation = HostRotation(configuration.url.hosts)
        connection = nil
    }

    mutating func run() {
        while true {
            waiting += mailbox.takeAll()
            if mailbox.isStopping { break }
            guard !waiting.isEmpty else {
                mailbox.wait()
                continue
            }
            answer(waiting.removeFirst())
        }
        for request in waiting + mailbox.close() { request.query.refuse(.closed) }
    }

    private mutating func answer(_ request: PostgresReader.Request) {
        let wasConnected = connection != nil
        do throws(PostgresError) {
            do throws(PostgresError) {
                try ask(request)
            } catch {
                // A connection that has lain idle may have ended since; then nothing of this was sent.
                let isLost = wasConnected && error.kind == .unavailable
                guard isLost || error.kind == .retryable, !mailbox.isStopping else { throw error }
                try ask(request)
            }
        } catch {
            request.query.refuse(mailbox.isStopping ? .closed : .unavailable(error.description))
        }
    }

    private mutating func ask(_ request: PostgresReader.Request) throws(PostgresError) {
        var batch = PostgresBatch()
        request.query.add(to: &batch)
        let rows = try send(batch, within: request.timeout)
        do throws(PostgresDecodingError) {
            try request.query.decode(rows[...])()
        } catch {
            request.query.refuse(.unavailable("an answer of the ledger's database cannot be read: \(error)"))
        }
    }

    private mutating func send(
        _ batch: PostgresBatch, within timeout: Duration
    ) throws(PostgresError) -> [PostgresRows] {
        var open = try connected()
        let result: Result<[PostgresRows], PostgresError>
        do throws(PostgresError) {
            let rows = try open.run(batch, within: timeout, beside: mailbox) { requests in
                waiting += requests
                return mailbox.isStopping ? clock.now() : nil
            }
            result = .success(rows)
        } catch {
            result = .failure(error)
        }
        if open.isUsable { connection = consume open }
        return try result.get()
    }

    private mutating func connected() throws(PostgresError) -> PostgresConnection {
        if let kept = connection.take() { return kept }
        // Each host once: who asks waits for an answer, not for a database that may come back.
        for _ in configuration.url.hosts.dropLast() {
            do throws(PostgresError) {
                return try open()
            } catch {
                guard !mailbox.isStopping else { throw error }
            }
        }
        return try open()
    }

    private mutating func open() throws(PostgresError) -> PostgresConnection {
        do throws(PostgresError) {
            let open = try PostgresConnection.open(to: rotation.current, configuration, clock: clock)
            rotation.succeed()
            return open
        } catch {
            _ = rotation.fail(at: clock.now())
            throw error
        }
    }
}
