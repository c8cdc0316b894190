import Clocks
import Glibc
import Jobs
import Secrets
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// What only a ledger in a file does beside `KeepingConformanceTests`.
@Suite(.timeLimit(.minutes(30))) struct MaintenanceTests {
    private func with(_ body: (EmbeddedLedger, TemporaryFolder) async throws -> Void) async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await body(ledger, folder)
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    private func settle(_ ledger: EmbeddedLedger, _ id: String, account: String = "anna") async throws {
        try await ledger.record(Sample.finished(Sample.arrival(id, account: account), needsDeadLetter: true))
        ledger.mark(.result, of: JobID(id), generation: 0)
        ledger.mark(.deadLetter, of: JobID(id), generation: 0)
    }

    // MARK: Forgetting

    @Test func forgettingAJobLeavesNoByteOfItInTheFiles() async throws {
        try await with { ledger, folder async throws in
            let id = "forget-me-0123456789"
            try await settle(ledger, id, account: "account-of-the-forgotten")
            try await settle(ledger, "stays", account: "bert")
            let isThere: () -> Bool = {
                ["", "-wal"].contains { contents(of: folder.ledger + $0).contains(id) }
            }
            #expect(isThere())
            #expect(try await ledger.forget(JobID(id)) == .forgotten)
            #expect(!isThere())
            #expect(try await ledger.forget(JobID(id)) == .unknown)
            #expect(try await ledger.statistics().entries == 1)
        }
    }

    @Test func aPageWhoseLastJobIsForgottenIsFollowedByAllThatComesAfter() async throws {
        try await with { ledger, _ async throws in
            for id in ["first", "second", "third"] { try await settle(ledger, id) }
            let page = try await ledger.results(since: Sample.start, limit: 2)
            #expect(page.map(\.jobID.string) == ["first", "second"])
            #expect(try await ledger.forget(JobID("second")) == .forgotten)
            let rest = try await ledger.results(since: Sample.start, after: page.last?.cursor, limit: 2)
            // They ended in one millisecond, which begins anew: twice is better than never.
            #expect(rest.map(\.jobID.string) == ["first", "third"])
            // It is sent once more, and comes behind all that it was before.
            try await ledger.record(
                Sample.finished(Sample.arrival("second"), needsDeadLetter: true, at: Sample.start + .milliseconds(1)))
            ledger.mark(.result, of: JobID("second"), generation: 0)
            ledger.mark(.deadLetter, of: JobID("second"), generation: 0)
            let again = try await ledger.results(since: Sample.start, after: page.last?.cursor, limit: 3)
            #expect(again.map(\.jobID.string) == ["first", "third", "second"])
        }
    }

    // MARK: Readers

    @Test func readersSeeWhatIsCommittedAndNobodyWaits() async throws {
        try await with { ledger, folder async throws in
            try await settle(ledger, "first")
            _ = try await ledger.statistics()
            let reader = try LedgerReader(path: folder.ledger)
            // One that stands in the middle of reading, as a slow command does.
            let connection = try SQLiteConnection(path: folder.ledger, mode: .readOnly)
            try connection.execute("BEGIN")
            #expect(try connection.integer("SELECT count(*) FROM jobs") == 1)
            try await settle(ledger, "second")
            _ = try await ledger.statistics()
            #expect(try connection.integer("SELECT count(*) FROM jobs") == 1)
            #expect(try reader.statistics(at: Sample.start).entries == 2)
            #expect(try reader.history(of: JobID("second")) != nil)
            try connection.execute("ROLLBACK")
            #expect(throws: SQLiteFault.self) { try connection.execute("DELETE FROM jobs") }
        }
    }

    @Test func theSumsAreWrittenWithTheJobsAndVerifyFindsThemWrong() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        for number in 0..<3 { _ = try await ledger.claim(Sample.claim(Sample.arrival("calling-\(number)"))) }
        try await ledger.record(Sample.parked(Sample.arrival("calling-0")))
        try await settle(ledger, "ended")
        let statistics = try await ledger.statistics()
        #expect(statistics.entries == 4 && statistics.open == 3 && statistics.ambiguous == 2)
        #expect(try await ledger.forget(JobID("ended")) == .forgotten)
        #expect(try await ledger.statistics().entries == 3)
        #expect(try await ledger.verify() == [])
        for (change, found) in [
            ("entries = entries + 1, ever = ever + 1", "1 wrong counts of all jobs"),
            ("open = open - 1", "1 wrong counts of open jobs"),
            ("ambiguous = ambiguous + 1", "1 wrong counts of open jobs"),
        ] {
            try await ledger.write { rows throws(SQLiteFault) in
                try rows.connection.execute("CREATE TABLE kept AS SELECT * FROM tally; UPDATE tally SET \(change)")
            }
            #expect(try await ledger.verify() == [found])
            try await ledger.write { rows throws(SQLiteFault) in
                try rows.connection.execute(
                    "UPDATE tally SET (entries, ever, open, ambiguous) = (SELECT * FROM kept); DROP TABLE kept")
            }
        }
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    @Test func aHistoryKeepsItsNewestLines() async throws {
        try await with { ledger, _ async throws in
            let arrival = Sample.arrival()
            func line(_ number: Int) -> JobEvent {
                JobEvent(
                    jobID: arrival.jobID, generation: 0, at: Sample.start, kind: "called", detail: "line \(number)")
            }
            try await ledger.write(line(0))
            #expect(try await ledger.history(of: arrival.jobID) == nil, "there is nothing to add it to")
            _ = try await ledger.claim(Sample.claim(arrival))
            for number in 1...70 { try await ledger.write(line(number)) }
            let callEnded = try #require(try await ledger.history(of: arrival.jobID)).events.map(\.detail)
            #expect(callEnded == (7...70).map { "line \($0)" })
        }
    }

    @Test func verifyFindsLinesThatWouldBecomeAnotherJobsHistory() async throws {
        try await with { ledger, _ async throws in
            try await settle(ledger, "job")
            try await ledger.write { rows throws(SQLiteFault) in
                try rows.connection.execute("INSERT INTO history VALUES (2, 1, 0, 0, 'called', '')")
            }
            #expect(try await ledger.verify() == ["1 lines of stories without a job"])
            try await ledger.write { rows throws(SQLiteFault) in try rows.connection.execute("DELETE FROM history") }
        }
    }

    @Test func noNumberIsGivenTwice() async throws {
        try await with { ledger, folder async throws in
            func number(_ id: String) throws -> Int64 {
                try SQLiteConnection(path: folder.ledger, mode: .readOnly).integer(
                    "SELECT number FROM jobs WHERE job_id = CAST('\(id)' AS BLOB)")
            }
            for id in ["first", "second"] { try await settle(ledger, id) }
            #expect(try await ledger.forget(JobID("second")) == .forgotten)
            try await settle(ledger, "third")
            #expect(try number("third") == 3)
            for id in ["first", "third"] { #expect(try await ledger.forget(JobID(id)) == .forgotten) }
            for id in ["fourth", "fifth"] {
                _ = try await ledger.claim(Sample.claim(Sample.arrival(id, account: "bert")))
            }
            #expect(try number("fourth") == 4)
            #expect(try number("fifth") == 5)
        }
    }

    @Test func verifyFindsContradictions() async throws {
        let folder = TemporaryFolder()
        let ledger = try EmbeddedLedger.opened(folder)
        try await settle(ledger, "job")
        #expect(try await ledger.verify() == [])
        try await ledger.write { rows throws(SQLiteFault) in try rows.connection.execute("DELETE FROM results") }
        #expect(try await ledger.verify() == ["1 finished jobs without a stored result"])
        // Its deliveries are refused one by one; others go on.
        await #expect { _ = try await ledger.lookUp(Sample.arrival("job"), at: Sample.start) } throws: { error in
            "\(error)".contains("ledger verify")
        }
        #expect(try await ledger.claim(Sample.claim(Sample.arrival("other"))) == .claimed(Sample.open()))
        await ledger.close(within: EmbeddedLedger.closeTime)
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        return indices.contains { self[$0...].starts(with: wanted) }
    }
}
