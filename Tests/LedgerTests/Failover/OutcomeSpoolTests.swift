import Clocks
import Concurrency
import Glibc
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What calls came to while the database was away outlives the process that made them.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct OutcomeSpoolTests {
    private let folder = TemporaryFolder()
    private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func journal(_ ledger: DatabaseLedger, _ outcomes: [SpooledOutcome]) -> OutcomeJournal {
        OutcomeJournal(ledger: ledger.identity.ledger, writer: "a", outcomes: outcomes)
    }

    private func outcome(_ record: Record, _ lease: Lease, isUnheard: Bool = false) -> SpooledOutcome {
        SpooledOutcome(
            .record(record, isUnheard: isUnheard), fence: lease.fence, isFirstCall: lease.isFirstCall)
    }

    /// What the process before had: a claim, and then no database.
    private func leaseOfAProcessThatEnded(
        _ database: SharedDatabase, _ arrival: Arrival = Sample.arrival(), kind: Claim.Kind = .call
    ) async throws -> Lease {
        let ledger = try await database.join("old")
        let lease = try #require(try await ledger.lease(arrival, kind: kind))
        await ledger.close(within: DatabaseLedger.closeTime)
        return lease
    }

    // MARK: What is kept

    @Test func whatAClosedLedgerHasNotWrittenOfCallsIsKept() async throws {
        let server = try await PrivateDatabase()
        let configuration = try PostgresConfiguration(
            PostgresURL("postgresql://\(PrivateDatabase.superuser)@127.0.0.1:\(server.port)/postgres"))
        try await onThread { _ = try PostgresDeclaration.declare(configuration) }
        let ledger = try await DatabaseLedger.open(
            DatabaseLedger.Parts(configuration: configuration, durations: SharedDatabase.durations),
            member: MemberDescription(name: "a", version: "1"))
        let first = try #require(try await ledger.lease())
        let second = try #require(try await ledger.lease(Sample.arrival("job-2")))
        #expect(ledger.unwrittenOutcomes == nil)
        await server.kill()
        let (one, two) = (Sample.finished(Sample.arrival()), Sample.finished(Sample.arrival("job-2")))
        let waiting = [
            Task { _ = try await ledger.record(one, under: first, isUnheard: false) },
            Task { try await ledger.withdraw(second, of: JobID("job-2"), kind: .call, day: Sample.day) },
            // It rests on no call.
            Task { _ = try await ledger.record(two, under: nil, isUnheard: false) },
        ]
        ledger.mark(.result, of: JobID("job-1"), generation: 0)
        while ledger.unwritten.withLock({ $0.count }) < 4 { await Task.yield() }
        #expect(await ledger.close(within: .milliseconds(200)) == 4)
        for task in waiting { await #expect(throws: LedgerError.closed) { try await task.value } }
        let kept = try #require(ledger.unwrittenOutcomes)
        #expect(kept.writer == "a" && ledger.isOwn(kept))
        // Also what a worker brings to a ledger that is closed already.
        await #expect(throws: LedgerError.closed) { try await ledger.record(two, under: second, isUnheard: true) }
        let fences = ledger.unwrittenOutcomes?.outcomes.map(\.fence).sorted()
        #expect(fences == [first, second, second].map(\.fence).sorted())

        try await server.start()
        let next = try await DatabaseLedger.open(
            DatabaseLedger.Parts(configuration: configuration, durations: SharedDatabase.durations),
            member: MemberDescription(name: "a", version: "1"))
        let read = try OutcomeJournal(kept.bytes)
        #expect(try await next.bring(read) == 0)
        #expect(try await next.unpublishedResults(after: nil, limit: 9).map(\.jobID) == [JobID("job-1")])
        #expect(try await next.lease(Sample.arrival("job-2")) != nil, "nothing was sent, and nobody waits for it")
        await next.close(within: DatabaseLedger.closeTime)
        await server.end()
    }

    @Test func aFileHasAllOfAnOutcomeAndNoShareToken() throws {
        var result = Sample.result(outcome: .failed, reason: .poison, body: "{\"a\":\"ä\"}")
        (result.traceparent, result.tracestate) = (Self.trace, "a=b")
        let arrival = Sample.arrival(account: "änna", token: "secret", generation: 2, copy: 3, attempts: 4)
        let records: [Record] = [
            .finished(arrival, result, attempts: 5, isAmbiguous: true, needsDeadLetter: true, isAssumed: true),
            Sample.parked(arrival, attempts: 6, isAmbiguous: true, malformedAnswers: 2),
            .callEnded(arrival, attempts: 7, isAmbiguous: false, malformedAnswers: 1),
            .postponed(arrival, due: Sample.start), .steppedAside(arrival, due: Sample.late),
        ]
        var outcomes = records.map { outcome($0, .recalled(fence: 7 << 32, isFirstCall: true), isUnheard: true) }
        outcomes.append(
            SpooledOutcome(.withdrawal(JobID("b"), .albumQuery, day: Sample.day), fence: -9, isFirstCall: false))
        let journal = OutcomeJournal(ledger: [0, 255], writer: "a\n", outcomes: outcomes)
        let spool = try OutcomeSpool(folder.path)
        let path = try spool.save(journal)
        let text = String(decoding: contents(of: path), as: UTF8.self)
        #expect(!text.contains("secret"))
        #expect(text.split(separator: "\n").count == 7)
        let found = try spool.found()
        guard case .journal(let read) = found.first?.content else {
            Issue.record("it is the one that was saved")
            return
        }
        #expect(found.count == 1 && read.bytes == journal.bytes && read.unreadable == 0)
        // It has one name, whatever it saves.
        #expect(try spool.save(OutcomeJournal(ledger: [], writer: "", outcomes: [])) == path)
        // Another process has another.
        _ = try OutcomeSpool(folder.path).save(journal)
        #expect(folder.names.count == 2)
        try spool.remove(found[0])
        #expect(folder.names.count == 1)
    }

    @Test func aFileThatIsCutOffGivesWhatIsWholeOfIt() throws {
        let lease = Lease.recalled(fence: 1, isFirstCall: true)
        let journal = OutcomeJournal(
            ledger: [1], writer: "a", outcomes: (0..<3).map { outcome(Sample.parked(Sample.arrival("\($0)")), lease) })
        let bytes = journal.bytes
        for length in 0..<bytes.count {
            guard let read = try? OutcomeJournal(Array(bytes.prefix(length))) else {
                #expect(!bytes.prefix(length).contains(UInt8(ascii: "\n")), "its first line is not whole")
                continue
            }
            let whole = bytes.prefix(length + 1).count { $0 == UInt8(ascii: "\n") } - 1
            #expect(read.outcomes.count == whole && read.unreadable == 3 - whole, "\(length)")
        }
    }

    @Test func whatIsNoJournalIsRefusedAndStays() throws {
        let spool = try OutcomeSpool(folder.path)
        func refusal(_ text: String) throws -> String {
            let path = "\(folder.path)/outcomes-1.jsonl"
            unlink(path)
            write(Array(text.utf8), to: path)
            chmod(path, 0o600)
            guard case .refused(let why) = try spool.found().first?.content else { return "" }
            return why
        }
        #expect(try refusal("").contains("is no journal"))
        #expect(try refusal("{}\n").contains("is no journal"))
        #expect(try refusal("{\"format\":\"leave-albumd outcomes\",\"version\":2}\n").contains("newer leave-albumd"))
        chmod("\(folder.path)/outcomes-1.jsonl", 0o644)
        guard case .refused(let why) = try spool.found().first?.content else {
            Issue.record("others could read it")
            return
        }
        #expect(why.contains("others may read") && folder.names == ["outcomes-1.jsonl"])
        // What is not named as one is not looked at.
        write([0], to: "\(folder.path)/notes")
        #expect(try spool.found().count == 1)
    }

    // MARK: What is brought back

    @Test func whatWasParkedIsParkedOnceHoweverOftenItIsBrought() async throws {
        let database = try await SharedDatabase()
        let lease = try await leaseOfAProcessThatEnded(database)
        let ledger = try await database.join()
        let journal = journal(ledger, [outcome(Sample.parked(Sample.arrival()), lease)])
        #expect(try await ledger.bring(journal) == 0)
        let row = try await database.job("copy, intent, copy_published, attempts, call_until IS NULL, revision")
        #expect(row == "1|f|f|1|t|2")
        // Killed before the file was removed.
        #expect(try await ledger.bring(journal) == 0)
        #expect(try await database.job("copy, intent, copy_published, attempts, call_until IS NULL, revision") == row)
        guard case .unparked = try await ledger.lookUp(Sample.arrival(), at: Sample.start) else {
            Issue.record("the delivery publishes the copy")
            return
        }
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aResultThatWasBroughtStaysTheOneThatItIs() async throws {
        let database = try await SharedDatabase()
        let lease = try await leaseOfAProcessThatEnded(database)
        let ledger = try await database.join()
        let journal = journal(ledger, [outcome(Sample.finished(Sample.arrival(), body: "first"), lease)])
        #expect(try await ledger.bring(journal) == 0)
        ledger.mark(.result, of: JobID("job-1"), generation: 0)
        #expect(try await ledger.bring(journal) == 0)
        #expect(try await ledger.unpublishedResults(after: nil, limit: 9).isEmpty)
        #expect(try await ledger.results(of: JobID("job-1")).map(\.body) == [Array("first".utf8)])
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func onceAnotherHasClaimedOnlyProofIsBelieved() async throws {
        let database = try await SharedDatabase()
        let (first, second) = (Sample.arrival(), Sample.arrival("job-2"))
        let leases = [
            try await leaseOfAProcessThatEnded(database, first),
            try await leaseOfAProcessThatEnded(database, second),
        ]
        try await database.endLeases()
        let ledger = try await database.join()
        for arrival in [first, second] {
            try #require(try await ledger.lease(arrival, kind: .albumQuery, isAmbiguous: true) != nil)
        }
        let parked = outcome(Sample.parked(first), leases[0])
        let left = outcome(Sample.finished(second), leases[1])
        let gone = SpooledOutcome(
            .withdrawal(first.jobID, .call, day: Sample.day), fence: leases[0].fence, isFirstCall: true)
        #expect(try await ledger.bring(journal(ledger, [parked, left, gone])) == 1)
        let rows = try await database.run(
            "SELECT finished, copy, call_until IS NULL FROM leave_album.jobs ORDER BY job_id")
        #expect(rows == "f|0|f\nt|0|f")
        #expect(ledger.counts.lateEvidence == 1 && ledger.counts.fencedRecords == 1)
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whatAnotherLedgerWasToHaveIsNotBrought() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        #expect(!ledger.isOwn(OutcomeJournal(ledger: [1, 2, 3], writer: "a", outcomes: [])))
        #expect(ledger.isOwn(journal(ledger, [])))
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
