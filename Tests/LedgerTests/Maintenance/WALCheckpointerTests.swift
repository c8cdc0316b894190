import Clocks
import Concurrency
import Glibc
import Jobs
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite(.timeLimit(.minutes(30))) struct WALCheckpointerTests {
    /// A writer of large pieces, some hundred pages each.
    private struct Writer: ~Copyable {
        let connection: SQLiteConnection
        var folder: WALCheckpointer
        private var written = 0

        init(_ path: String) throws {
            let file = LedgerFile(path: path, durability: .normal)
            close(open(path, O_RDWR | O_CREAT, 0o600))
            try file.prepare(at: Sample.start)
            connection = try file.open(nil)
            connection.countPagesInLog()
            folder = WALCheckpointer(LedgerFiles(path: path))
        }

        mutating func write() throws {
            written += 1
            try connection.execute("INSERT INTO probe VALUES (randomblob(400000))")
            folder.continueAfterCommit(connection, at: SystemTimeSource().now())
        }

        var isWhole: Bool {
            get throws {
                try connection.integer("SELECT count(*) FROM probe WHERE length(bytes) = 400000") == written
                    && LedgerReader(path: connection.path).faults() == []
            }
        }
    }

    @Test func theLogBeginsAnewAgainAndAgain() throws {
        let folder = TemporaryFolder()
        var writer = try Writer(folder.ledger)
        var (longest, before, began) = (0, 0, 0)
        for _ in 0..<300 {
            try writer.write()
            let pages = writer.connection.pagesInLog
            if pages < before { began += 1 }
            (before, longest) = (pages, max(longest, pages))
        }
        #expect(began >= 1)
        #expect(longest <= CheckpointPolicy.tooLong + 200)
        writer.folder.waitForCheckpoint()
        #expect(try writer.isWhole)
    }

    @Test func aReaderThatKeepsTheLogLosesNothing() throws {
        let folder = TemporaryFolder()
        var writer = try Writer(folder.ledger)
        try writer.write()
        let reader = try SQLiteConnection(path: folder.ledger, mode: .readOnly)
        try reader.execute("BEGIN")
        #expect(try reader.integer("SELECT count(*) FROM probe") == 1)
        for _ in 0..<120 { try writer.write() }
        #expect(writer.connection.pagesInLog > CheckpointPolicy.longEnough)
        #expect(try reader.integer("SELECT count(*) FROM probe WHERE length(bytes) = 400000") == 1)
        try reader.execute("COMMIT")
        for _ in 0..<100 { try writer.write() }
        writer.folder.waitForCheckpoint()
        #expect(try writer.isWhole)
    }

    /// Another file by the ledger's name must not be given the log of the one that is open.
    @Test func aFileThatWasPutInTheLedgersPlaceIsNotTouched() throws {
        let folder = TemporaryFolder()
        var writer = try Writer(folder.ledger)
        let others = folder.path + "/other"
        try SQLiteConnection(path: others, mode: .readWrite).execute("CREATE TABLE theirs (x)")
        let before = contents(of: others)
        #expect(rename(folder.ledger, folder.path + "/moved") == 0)
        #expect(rename(others, folder.ledger) == 0)
        while writer.connection.pagesInLog < 4 * CheckpointPolicy.part { try writer.write() }
        writer.folder.waitForCheckpoint()
        #expect(contents(of: folder.ledger) == before)
        #expect(rename(folder.ledger, others) == 0)
        #expect(rename(folder.path + "/moved", folder.ledger) == 0)
        #expect(try writer.isWhole)
    }

    /// As when a thread cannot be started: the writer does what it did before.
    @Test func aCheckpointThatFailsIsMadeUpForByTheWriter() throws {
        let folder = TemporaryFolder()
        var writer = try Writer(folder.ledger)
        #expect(rename(folder.ledger, folder.path + "/moved") == 0)
        var (before, began) = (0, 0)
        for _ in 0..<200 {
            try writer.write()
            if writer.connection.pagesInLog < before { began += 1 }
            before = writer.connection.pagesInLog
        }
        writer.folder.waitForCheckpoint()
        #expect(began >= 1)
        #expect(!LedgerFile.exists(folder.ledger), "and no file is made")
        #expect(rename(folder.path + "/moved", folder.ledger) == 0)
        #expect(try writer.isWhole)
    }

    @Test func theLogIsEmptiedAlsoWhileJobsAreWritten() async throws {
        let folder = TemporaryFolder()
        let gate = try Gate()
        let health = HealthLog()
        let ledger = try EmbeddedLedger.opened(folder, onHealth: { health.reported($0) })
        try await ledger.record(Sample.finished(Sample.arrival()))
        await withCheckedContinuation { status in
            ledger.ping {
                status.resume()
                gate.pass()
            }
        }
        // In one batch: what empties the log, and what is written.
        let posted = AsyncStream<Void>.makeStream()
        async let emptied: Result<Void, LedgerError> = withCheckedContinuation { reply in
            ledger.thread.post(.emptyLog(reply))
            ledger.thread.post(.mark(.result, JobID("job-1"), generation: 0))
            ledger.thread.post(.write({ _ throws(SQLiteFault) in {} }, refuse: { _ in }))
            posted.continuation.finish()
        }
        for await _ in posted.stream {}
        gate.open()
        guard case .success = await emptied else {
            Issue.record("it was refused")
            return
        }
        #expect(!LedgerFile(path: folder.ledger, durability: .normal).hasLogLeft)
        #expect(try await ledger.forget(JobID("job-1")) == .forgotten)
        await ledger.close(within: EmbeddedLedger.closeTime)
    }
}
