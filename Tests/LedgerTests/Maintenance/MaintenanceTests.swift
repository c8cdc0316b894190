import Clocks
import Glibc
import Jobs
import Secrets
import Testing

@testable import Ledger
@testable import SQLiteLedger

@Suite(.timeLimit(.minutes(10))) struct MaintenanceTests {
    /// A ledger whose clock says how old its jobs are.
    private func with(
        _ body: (EmbeddedLedger, StoppedClock, TemporaryFolder) async throws -> Void
    ) async throws {
        let folder = TemporaryFolder()
        let clock = StoppedClock()
        let ledger = try EmbeddedLedger.opened(folder, clock: clock)
        try await body(ledger, clock, folder)
        #expect(try await ledger.verify() == [])
        await ledger.close(within: EmbeddedLedger.closeTime)
    }

    private func settle(_ ledger: EmbeddedLedger, _ id: String, account: String = "anna") async throws {
        try await ledger.record(Sample.finished(Sample.arrival(id, account: account), needsDeadLetter: true))
        ledger.mark(.result, of: JobID(id), generation: 0)
        ledger.mark(.deadLetter, of: JobID(id), generation: 0)
    }

    // MARK: Pruning

    @Test func pruningTakesSettledOldJobsAndNothingElse() async throws {
        try await with { ledger, clock, _ async throws in
            for number in 0..<1_203 { try await settle(ledger, "old-\(number)") }
            ledger.note(
                JobEvent(jobID: JobID("old-1"), generation: 0, at: Sample.start, kind: "called", detail: "row 31"))
            // Old too, but open, or owing the broker something.
            _ = try await ledger.claim(Sample.claim(Sample.arrival("calling")))
            try await ledger.record(Sample.parked(Sample.arrival("parked")))
            try await ledger.record(Sample.finished(Sample.arrival("no-result"), needsDeadLetter: true))
            ledger.mark(.deadLetter, of: JobID("no-result"), generation: 0)
            try await ledger.record(Sample.finished(Sample.arrival("no-letter"), needsDeadLetter: true))
            ledger.mark(.result, of: JobID("no-letter"), generation: 0)
            // The newest generation is settled, an older one's result is not published.
            _ = try await ledger.claim(Sample.claim(Sample.arrival("older")))
            let second = Sample.arrival("older", generation: 1)
            _ = try await ledger.claim(Sample.claim(second, isAmbiguous: true, closing: Sample.result("older")))
            try await ledger.record(Sample.finished(second))
            ledger.mark(.result, of: JobID("older"), generation: 1)
            clock.advance(by: .seconds(3_600))
            try await settle(ledger, "young")

            let before = ledger.commits.count
            #expect(try await ledger.prune(before: Sample.start + .seconds(3_600)) == 1_203)
            // In slices, so that others come in between.
            #expect(ledger.commits.count - before >= 3)
            var left: Set<String> = []
            for id in ["calling", "parked", "no-result", "no-letter", "older", "young"] {
                if try await ledger.history(of: JobID(id)) != nil { left.insert(id) }
            }
            #expect(left.count == 6)
            #expect(try await ledger.statistics().entries == 6)
            #expect(try await ledger.history(of: JobID("old-1")) == nil)
            // The settled ones are fresh again.
            #expect(
                try await ledger.lookUp(Sample.arrival("old-1"), at: clock.wall())
                    == .fresh(isAmbiguous: false, predecessor: nil))
        }
    }

    @Test func pruningTakesOldDaysAndEndedHolds() async throws {
        try await with { ledger, clock, _ async throws in
            _ = try await ledger.claim(Sample.claim(Sample.arrival(), day: "old"))
            _ = try await ledger.claim(
                Sample.claim(Sample.arrival("job-2"), day: "new", at: Sample.start + .seconds(100)))
            let end = Sample.start + .seconds(10)
            ledger.recordHold(.rateLimited, since: Sample.start, until: end, detail: "ended")
            ledger.recordHold(.apiRetired, since: Sample.start, until: nil, detail: "lasts")
            _ = try await ledger.prune(before: Sample.start + .seconds(50))
            #expect(try await ledger.count(of: "old") == DayCount(calls: 0, albumQueries: 0))
            #expect(try await ledger.count(of: "new") == DayCount(calls: 1, albumQueries: 0))
            let holds = try await ledger.holds(from: Sample.start, to: end)
            #expect(holds.map(\.cause) == [.apiRetired])
        }
    }

    // MARK: Forgetting

    @Test func forgettingAJobLeavesNoByteOfItInTheFiles() async throws {
        try await with { ledger, _, folder async throws in
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

    @Test func whatIsNeededIsNotForgotten() async throws {
        try await with { ledger, _, _ async throws in
            _ = try await ledger.claim(Sample.claim(Sample.arrival("open")))
            try await ledger.record(Sample.finished(Sample.arrival("owed")))
            for id in ["open", "owed"] { #expect(try await ledger.forget(JobID(id)) == .needed) }
            for number in 0..<700 { try await settle(ledger, "settled-\(number)") }
            try await settle(ledger, "other", account: "bert")
            let answer = try await ledger.forget(account: AccountID("anna"))
            #expect(answer.forgotten == 700)
            #expect(answer.needed == 2)
            #expect(try await ledger.history(of: JobID("other")) != nil)
        }
    }

    // MARK: Stories

    @Test func aHistoryHasTheRowItsAttemptsAndTheHoldsInBetween() async throws {
        try await with { ledger, clock, _ async throws in
            let arrival = Sample.arrival()
            ledger.recordHold(
                .rateLimited, since: Sample.start - .seconds(60), until: Sample.start - .seconds(1), detail: "before")
            ledger.recordHold(.tlsTrust, since: Sample.start + .seconds(1), until: nil, detail: "unknown CA\n")
            _ = try await ledger.claim(Sample.claim(arrival))
            for number in 0..<70 {
                ledger.note(
                    JobEvent(
                        jobID: arrival.jobID, generation: 0, at: Sample.start, kind: "called", detail: "row \(number)"))
            }
            ledger.note(JobEvent(jobID: JobID("nobody"), generation: 0, at: Sample.start, kind: "called", detail: ""))
            var history = try #require(try await ledger.history(of: arrival.jobID))
            #expect(history.state == .open(Sample.open(isAmbiguous: true), isCalling: true))
            #expect(history.events.map(\.detail) == (6..<70).map { "row \($0)" })
            #expect(history.holds.map(\.detail) == ["unknown CA "])
            #expect(history.holds.first?.until == nil)
            #expect(history.tokenHash == arrival.tokenHash.hexadecimal)

            ledger.recordHold(
                .tlsTrust, since: Sample.start + .seconds(1), until: Sample.start + .seconds(5), detail: "mended")
            clock.advance(by: .seconds(9))
            try await ledger.record(Sample.finished(arrival, attempts: 2, needsDeadLetter: true))
            history = try #require(try await ledger.history(of: arrival.jobID))
            #expect(history.state == .finished(resultIsPublished: false, deadLetterIsPublished: false))
            #expect(history.results == [Sample.result()])
            #expect(history.changedAt == Sample.start + .seconds(9))
            #expect(history.holds.map(\.until) == [Sample.start + .seconds(5)])
            #expect(try await ledger.history(of: JobID("nobody")) == nil)
        }
    }

    @Test func storedResultsComeInOrderOfCompletionPageByPage() async throws {
        try await with { ledger, _, _ async throws in
            for number in 0..<7 {
                // Two in each millisecond, so that a page may end between them.
                let time = Sample.start + .milliseconds(number / 2)
                try await ledger.record(Sample.finished(Sample.arrival("job-\(number)"), at: time))
            }
            var ids: [String] = []
            var last: ResultCursor?
            while true {
                let page = try await ledger.results(since: Sample.start + .milliseconds(1), after: last, limit: 3)
                ids += page.map(\.jobID.string)
                guard let end = page.last else { break }
                last = end.cursor
            }
            #expect(ids == ["job-2", "job-3", "job-4", "job-5", "job-6"])
        }
    }

    @Test func aPageWhoseLastJobIsForgottenIsFollowedByAllThatComesAfter() async throws {
        try await with { ledger, _, _ async throws in
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
        try await with { ledger, _, folder async throws in
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
        try await with { ledger, _, _ async throws in
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
        try await with { ledger, _, _ async throws in
            try await settle(ledger, "job")
            try await ledger.write { rows throws(SQLiteFault) in
                try rows.connection.execute("INSERT INTO history VALUES (2, 1, 0, 0, 'called', '')")
            }
            #expect(try await ledger.verify() == ["1 lines of stories without a job"])
            try await ledger.write { rows throws(SQLiteFault) in try rows.connection.execute("DELETE FROM history") }
        }
    }

    @Test func noNumberIsGivenTwice() async throws {
        try await with { ledger, _, folder async throws in
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
