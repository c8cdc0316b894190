import Clocks
import Concurrency
import Jobs
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger
@testable import SQLiteLedger

/// A ledger's file and an empty ledger in a database, and the ways between them.
struct Moving: Sendable {
    let folder = TemporaryFolder()
    let database: SharedDatabase
    /// So few that there are several pages.
    static let pageSize = 4
    /// Whoever has not left in time works on it, for those who move it.
    static let closeTime = Duration.seconds(120)

    init() async throws {
        database = try await SharedDatabase()
    }

    /// Ends the mover after the n-th step for which this holds, as a kill there would.
    struct Interruption: Sendable {
        var isHere: @Sendable (MoveStep) -> Bool
        static let never = Interruption { _ in false }
    }

    static let stopped = LedgerError.unavailable("stopped by the test")

    func configuration() throws -> PostgresConfiguration {
        try database.configuration(port: database.server.port)
    }

    @discardableResult
    func moveFile(
        _ interruption: Interruption = .never, beginsAnew: Bool = false,
        onStep: @escaping @Sendable (MoveStep) -> Void = { _ in }
    ) async throws -> MoveOutcome {
        let configuration = try configuration()
        return try await onThread { [folder] in
            let lock = try #require(try LedgerLock.take(ledger: folder.ledger), "the file is locked")
            let source = try FileMoveSource(path: folder.ledger, lock: lock, program: "test")
            let target = try DatabaseMoveTarget(configuration, durations: SharedDatabase.durations)
            let move = LedgerMove(from: source, to: target, beginsAnew: beginsAnew) { step throws(LedgerError) in
                onStep(step)
                if interruption.isHere(step) { throw Self.stopped }
            }
            return try move.run(pageSize: Self.pageSize)
        }
    }

    @discardableResult
    func moveDatabase(
        to path: String, _ interruption: Interruption = .never, beginsAnew: Bool = false,
        onWait: @escaping @Sendable (Duration) -> Void = { _ in },
        onStep: @escaping @Sendable (MoveStep) -> Void = { _ in }
    ) async throws -> MoveOutcome {
        let configuration = try configuration()
        return try await onThread {
            let lock = try #require(try LedgerLock.take(ledger: path), "the file is locked")
            let target = try FileMoveTarget(path: path, lock: lock, program: "test")
            let source = try DatabaseMoveSource(configuration, .move(onWait: onWait))
            let move = LedgerMove(from: source, to: target, beginsAnew: beginsAnew) { step throws(LedgerError) in
                onStep(step)
                if interruption.isHere(step) { throw Self.stopped }
            }
            return try move.run(pageSize: Self.pageSize)
        }
    }

    /// For the mover's thread, which waits for nobody.
    func runAtOnce(_ statements: [String]) {
        do {
            let configuration = try configuration()
            var connection = try PostgresConnection.open(to: configuration.url.hosts[0], configuration)
            var batch = PostgresBatch()
            for (number, text) in statements.enumerated() { batch.add(PostgresStatement("test_\(number)", text)) }
            _ = try connection.run(batch, within: .seconds(60)).rows()
        } catch {
            Issue.record(error)
        }
    }

    // MARK: What is in them

    /// A file with jobs in every state that a ledger keeps one in.
    func fill() async throws {
        let ledger = try EmbeddedLedger.opened(folder)
        for number in 1...6 {
            let arrival = Sample.arrival("done-\(number)", account: "anna-\(number % 3)", attempts: number % 2)
            _ = try await ledger.claim(Sample.claim(arrival))
            try await ledger.record(
                Sample.finished(arrival, body: "body \(number)", needsDeadLetter: number % 3 == 0))
            if number % 2 == 0 { ledger.mark(.result, of: arrival.jobID, generation: 0) }
            if number == 3 { ledger.mark(.deadLetter, of: arrival.jobID, generation: 0) }
            ledger.note(
                JobEvent(jobID: arrival.jobID, generation: 0, at: Sample.start, kind: "ended", detail: "line one"))
            ledger.note(
                JobEvent(jobID: arrival.jobID, generation: 0, at: Sample.start, kind: "ended", detail: "line two"))
        }
        for number in 1...3 {
            let arrival = Sample.arrival("parked-\(number)")
            _ = try await ledger.claim(Sample.claim(arrival))
            try await ledger.record(Sample.parked(arrival, attempts: number, isAmbiguous: number == 2))
            if number > 1 { ledger.mark(.copy(1), of: arrival.jobID, generation: 0) }
        }
        // Two generations, the second with its call under way.
        let first = Sample.arrival("redriven")
        _ = try await ledger.claim(Sample.claim(first))
        try await ledger.record(Sample.finished(first, needsDeadLetter: true))
        try await ledger.write(
            JobEvent(jobID: first.jobID, generation: 0, at: Sample.start, kind: "redriven", detail: ""))
        _ = try await ledger.claim(Sample.claim(Sample.arrival("redriven", generation: 1)))
        _ = try await ledger.claim(Sample.claim(Sample.arrival("calling"), kind: .albumQuery))
        // Cancels of a job that is there, and of two that never came.
        _ = try await ledger.claim(Sample.claim(Sample.arrival("stopped")))
        _ = try await ledger.cancelForGood(JobID("stopped"), newest: 0, at: Sample.start)
        _ = try await ledger.cancel(JobID("never-came"), at: Sample.start)
        _ = try await ledger.cancelForGood(JobID("never-came-too"), newest: nil, at: Sample.start + .seconds(1))
        ledger.recordHold(.apiUnavailable, since: Sample.start, until: nil, detail: "begun")
        ledger.recordHold(.apiUnavailable, since: Sample.start, until: Sample.start + .seconds(9), detail: "over")
        ledger.recordHold(.quotaDay, since: Sample.start + .seconds(20), until: nil, detail: "it lasts")
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    /// What a file has, as it is compared.
    static func content(of path: String) throws -> Content {
        let rows = SQLiteRows(connection: try SQLiteConnection(path: path, mode: .readOnly))
        let jobs = try rows.moved(after: 0, limit: .max) + rows.movedCancels(after: [], limit: .max)
        return Content(jobs: jobs, beside: try rows.movedBeside())
    }

    struct Content: Equatable {
        var jobs: [String: MovedJob] = [:]
        var days: [String: MovedBeside.Day]
        var holds: [MovedBeside.Hold: MovedBeside.HoldEnd]

        init(jobs: [MovedJob], beside: MovedBeside) {
            for job in jobs { self.jobs[job.jobID.string] = job.comparable }
            days = beside.days
            holds = beside.holds
        }
    }

    // MARK: Who may use them

    func fileRefusal(_ path: String? = nil) -> String? {
        do throws(LedgerError) {
            try EmbeddedLedger.checkVersion(path: path ?? folder.ledger, program: "test")
            return nil
        } catch {
            return error.description
        }
    }

    func databaseRefusal() async throws -> String? {
        do {
            let ledger = try await database.join()
            await ledger.close(within: Moving.closeTime)
            return nil
        } catch let error as LedgerError {
            return error.description
        }
    }
}
