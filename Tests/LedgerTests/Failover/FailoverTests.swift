import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A primary that ends with commits which its standby never had. Each test has two servers of its own.
@Suite(.timeLimit(.minutes(30))) struct FailoverTests {
    @Test func commitsThatWereLostAreCountedAndWrittenAgainByWhoeverMadeThem() async throws {
        try await FailoverSite.with { site async throws in
            let (a, b) = (try await site.join("a"), try await site.join("b"))
            let first = try #require(try await a.ledger.lease())
            try await site.cutOff()
            #expect(
                try await a.ledger.record(Sample.finished(Sample.arrival()), under: first, isUnheard: false) == .copy(0)
            )
            let second = try #require(try await a.ledger.lease(Sample.arrival("job-2")))
            let third = try #require(try await b.ledger.lease(Sample.arrival("job-3")))
            #expect(
                try await b.ledger.record(Sample.parked(Sample.arrival("job-3")), under: third, isUnheard: false)
                    == .copy(1))
            #expect(try await b.ledger.cancel(JobID("job-4"), at: Sample.start))
            let epochs = [a.ledger.epoch, b.ledger.epoch]
            try await site.failOver()
            for member in [a, b] {
                _ = await member.health.first(where: FailoverSite.isComparing)
                _ = await member.health.first { $0 == .available }
            }
            #expect(a.ledger.counts.lostCommits == 2 && b.ledger.counts.lostCommits == 3)
            #expect(a.ledger.epoch != epochs[0] && b.ledger.epoch != epochs[1])
            let rows = try await site.standby.run(
                """
                SELECT convert_from(job_id, 'UTF8'), finished, intent, copy, copy_published, cancelled, call_until IS NULL
                FROM leave_album.jobs ORDER BY job_id
                """)
            #expect(rows == "job-1|t|f|0|t|0|t\njob-2|f|t|0|t|0|f\njob-3|f|f|1|f|0|t\njob-4|f|f|0|t|1|t")
            #expect(try await site.standby.run("SELECT sum(calls) FROM leave_album.day_shares") == "3")
            #expect(try await a.ledger.unpublishedResults(after: nil, limit: 9).map(\.jobID) == [JobID("job-1")])
            // Somebody else who has the delivery does not call for it.
            let c = try await site.join("c")
            guard case .leased = try await c.ledger.lookUp(Sample.arrival("job-2"), at: Sample.start) else {
                Issue.record("the call is under way")
                return
            }
            let record = Sample.finished(Sample.arrival("job-2"))
            #expect(try await a.ledger.record(record, under: second, isUnheard: false) == .copy(0))
            #expect(try await a.ledger.verify() == [])
            for member in [a, b, c] { await member.ledger.close(within: DatabaseLedger.closeTime) }
        }
    }

    @Test func nobodyClaimsBeforeAllWhoLiveHaveCompared() async throws {
        try await FailoverSite.with { site async throws in
            let a = try await site.join("a")
            // It does not come back.
            let b = try await site.join("b", knowsStandby: false)
            let lost = try #require(b.ledger.epoch)
            try await site.cutOff()
            try await site.failOver()
            let name = "b#\(lost)"
            let word = await a.health.first { word in
                if case .comparing(let text) = word { text.contains(name) } else { false }
            }
            guard case .comparing(let text) = word else { return }
            #expect(text.contains("nothing of this daemon is lost"), "\(text)")
            await #expect(throws: LedgerError.unavailable(text)) { try await a.ledger.lease() }
            // Whoever was started meanwhile, and knows the timeline of before, waits as well.
            let c = try await site.join("c", timeline: 1)
            _ = await c.health.first(where: FailoverSite.isComparing)
            await #expect(throws: LedgerError.self) { try await c.ledger.lease() }
            // What is recorded does not wait.
            let record = Sample.finished(Sample.arrival("job-9"))
            #expect(try await a.ledger.record(record, under: nil, isUnheard: false) == .copy(0))
            try await site.standby.run(
                "UPDATE leave_album.instances SET state = 'dead', ended = now() WHERE epoch = \(lost)")
            for member in [a, c] { _ = await member.health.first { $0 == .available } }
            #expect(try await a.ledger.lease() != nil)
            #expect(try await c.ledger.lease(Sample.arrival("job-2")) != nil)
            #expect(a.ledger.counts.lostCommits == 0)
            for member in [a, c] { await member.ledger.close(within: DatabaseLedger.closeTime) }
            await b.ledger.close(within: .zero)
        }
    }

    @Test func aConnectionThatIsMadeAnewHoldsNobody() async throws {
        try await FailoverSite.with { site async throws in
            let a = try await site.join("a")
            let epoch = a.ledger.epoch
            #expect(try await a.ledger.lease() != nil)
            await site.primary.stop()
            await #expect(throws: LedgerError.self) { try await a.ledger.lease(Sample.arrival("job-2")) }
            try await site.primary.start()
            _ = await a.health.first { $0 == .available }
            #expect(!a.health.words.withLock { $0 }.contains(where: FailoverSite.isComparing))
            #expect(a.ledger.epoch == epoch && a.ledger.counts.lostCommits == 0)
            await a.ledger.close(within: DatabaseLedger.closeTime)
        }
    }
}
