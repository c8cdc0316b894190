import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Whatever columns a statement says of a job's row, in the table is what was decided.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct SavedRowTests {
    private struct Change: CustomStringConvertible, Sendable {
        let name: String
        let areUsual: (new: Bool, known: Bool)
        let make: @Sendable (inout StoredJob) -> Void

        var description: String { name }

        init(
            _ name: String, new: Bool = false, known: Bool = false,
            _ make: @escaping @Sendable (inout StoredJob) -> Void
        ) {
            self.name = name
            areUsual = (new, known)
            self.make = make
        }
    }

    private static let later = Sample.start + .seconds(5)

    /// One of each column.
    private static let changes: [Change] = [
        Change("nothing", new: true, known: true) { _ in },
        Change("account", new: true) { $0.row?.account = AccountID("another") },
        Change("token", new: true) { $0.row?.tokenHash = Sample.arrival("x", token: "another").tokenHash },
        Change("generation", new: true) { $0.row?.generation = 3 },
        Change("copy") { $0.row?.copy = 2 },
        Change("attempts", new: true, known: true) { $0.row?.attempts = 4 },
        Change("malformed") { $0.row?.malformedAnswers = 1 },
        Change("doubt", known: true) { $0.row?.isAmbiguous = true },
        Change("intent", known: true) { $0.row?.hasOpenIntent = false },
        Change("copy published") { $0.row?.copyIsPublished = false },
        Change("end", known: true) { $0.row?.finish(needsDeadLetter: false) },
        Change("end with a dead letter") { $0.row?.finish(needsDeadLetter: true) },
        Change("cancel") { $0.cancellation = .beforeCall },
        Change("first seen", new: true) { $0.row?.firstSeen = later },
        Change("first call", new: true) { $0.row?.firstCallAt = later },
        Change("due") { $0.row?.due = later },
        Change("changed", new: true, known: true) { $0.row?.changedAt = later },
        Change("fence", new: true, known: true) { $0.row?.fence = 7 << 32 | 9 },
        Change("call", new: true, known: true) { $0.row?.callUntil = later },
        Change("deaths") { $0.row?.deaths = 1 },
        Change("event") { $0.row?.event = EventContext(id: [101], source: [115], type: nil) },
    ]

    private static func began(_ id: String) -> StoredJob {
        var row = LedgerRow(Sample.arrival(id), after: nil, at: Sample.start)
        row.hasOpenIntent = true
        row.firstCallAt = Sample.start
        var job = StoredJob()
        job.row = row
        return job
    }

    private func save(_ plan: JobPlan, areUsual: Bool, _ database: SharedDatabase) async throws -> Set<JobID> {
        let jobs = SavedJob.all([plan], epoch: nil)
        #expect(JobSaving.Form(jobs).areUsual == areUsual)
        var batch = PostgresBatch()
        JobSaving.add([plan], epoch: nil, to: &batch)
        return Set(try JobSaving.written(try await database.answers(to: batch)[0]))
    }

    private func stored(_ id: JobID, _ database: SharedDatabase) async throws -> StoredJob? {
        let question = JobLoading.question([id], by: .nobody)
        var batch = PostgresBatch()
        question.add(to: &batch)
        return try question.decode(try await database.answers(to: batch)[...])[id]
    }

    @Test(arguments: changes.indices) private func whatIsSavedIsWhatIsThere(_ number: Int) async throws {
        let change = Self.changes[number]
        let database = try await SharedDatabase()

        var new = JobPlan(JobID("new"), StoredJob())
        new.after = Self.began("new")
        change.make(&new.after)
        new.after.raiseRevision()
        #expect(try await save(new, areUsual: change.areUsual.new, database) == [new.jobID])
        #expect(try await stored(new.jobID, database) == new.after, "\(change)")

        var first = JobPlan(JobID("known"), StoredJob())
        first.after = Self.began("known")
        first.after.raiseRevision()
        _ = try await save(first, areUsual: true, database)
        var known = JobPlan(first.jobID, first.after)
        change.make(&known.after)
        known.after.raiseRevision()
        #expect(try await save(known, areUsual: change.areUsual.known, database) == [known.jobID])
        #expect(try await stored(known.jobID, database) == known.after, "\(change)")
    }

    /// A row that a cancel made has no account, and times of its own.
    @Test func aCancelAloneAndTheJobThatComesToIt() async throws {
        let database = try await SharedDatabase()
        var cancel = JobPlan(JobID("j"), StoredJob())
        cancel.after.cancellation = .always
        cancel.countedAt = Sample.start
        cancel.after.raiseRevision()
        _ = try await save(cancel, areUsual: false, database)
        let found = try #require(try await stored(cancel.jobID, database))
        #expect(found == cancel.after)
        var job = JobPlan(cancel.jobID, found)
        job.after.row = Self.began("j").row
        job.after.row?.revision = found.revision
        job.after.raiseRevision()
        #expect(try await save(job, areUsual: false, database) == [job.jobID])
        #expect(try await stored(job.jobID, database) == job.after)
    }
}
