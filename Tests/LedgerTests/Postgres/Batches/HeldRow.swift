import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// The row of the job "held", or the table of all, which another session keeps.
enum HeldRow {
    typealias Answers = AsyncStream<JobAnswer>

    /// In the order of the calls, unlike what tasks ask.
    static func ask(_ ledger: DatabaseLedger, _ request: JobRequest) -> Answers {
        let (answers, answer) = Answers.makeStream()
        #expect(
            ledger.post(request) { given, _ in
                answer.yield(given)
                answer.finish()
            })
        return answers
    }

    static func record(_ id: String, body: String = "body") -> JobRequest {
        .record(Sample.finished(Sample.arrival(id), body: body), nil, isUnheard: false, Sample.start)
    }

    static let row = "PERFORM 1 FROM leave_album.jobs WHERE job_id = 'held' FOR UPDATE"
    /// Reading waits for it no more than it does for a row.
    static let table = "LOCK TABLE leave_album.jobs IN SHARE ROW EXCLUSIVE MODE"

    /// Runs `body` while another session has what `lock` takes, until `release`.
    static func holding(
        _ database: SharedDatabase, by lock: String = row,
        _ body: (_ release: @escaping @Sendable () async throws -> Void) async throws -> Void
    ) async throws {
        // The advisory lock says that it is held, the account "release" that it is to be let go.
        let sql = """
            DO $$ BEGIN
            \(lock); PERFORM pg_advisory_xact_lock(1);
            WHILE NOT EXISTS (SELECT 1 FROM leave_album.accounts WHERE account = 'release') LOOP
            PERFORM pg_sleep(0.005); END LOOP; END $$
            """
        async let session = database.run(sql)
        let isHeld = """
            SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
            WHERE l.locktype = 'advisory' AND d.datname = current_database()
            """
        while try await database.run(isHeld) == "0" {}
        let release = { @Sendable in
            _ = try await database.run(
                "INSERT INTO leave_album.accounts (account, slot) VALUES ('release', 0) ON CONFLICT DO NOTHING")
        }
        do {
            try await body(release)
        } catch {
            try await release()
            throw error
        }
        try await release()
        _ = try await session
    }

    /// It is on its way, and waits for the row.
    static func awaitBlocked(_ database: SharedDatabase) async throws {
        let isBlocked = """
            SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
            """
        while try await database.run(isBlocked) == "0" {}
    }
}
