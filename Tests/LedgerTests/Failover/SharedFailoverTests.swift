import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What all members share, on a primary whose standby never heard of it.
@Suite(.timeLimit(.minutes(10))) struct SharedFailoverTests {
    private static let limits = AccountLimits(slots: 1, perMinute: 0)

    private func bury(_ member: FailoverMember, _ site: FailoverSite) async throws {
        let epoch = try #require(member.ledger.epoch)
        try await site.standby.run(
            "UPDATE leave_album.instances SET state = 'dead', ended = now() WHERE epoch = \(epoch)")
    }

    @Test func anOperatorsNewestWordStandsWhoeverStillKnowsItAndNobodyAddsToAnOlderOne() async throws {
        try await FailoverSite.with { site async throws in
            // Of a, what it said is known to b alone.
            let a = try await site.join("a", knowsStandby: false)
            let (b, c) = (try await site.join("b"), try await site.join("c"))
            for account in ["kept", "resumed"] {
                #expect(try await a.ledger.cluster.change(.pause(AccountID(account))).isAccepted)
            }
            #expect(try await a.ledger.cluster.change(.pauseMember("c", detail: "work on its host")).isAccepted)
            _ = try await c.ledger.cluster.look(since: -1)
            try await site.cutOff()
            #expect(try await c.ledger.cluster.change(.resume(AccountID("resumed"))).isAccepted)
            #expect(try await a.ledger.cluster.change(.pause(AccountID("paused"))).isAccepted)
            #expect(try await a.ledger.cluster.change(.resumeMember("c")).isAccepted)
            let hold = SharedHold(cause: .apiRetired, since: Sample.start, member: 1, detail: "410")
            #expect(try await a.ledger.cluster.change(.engage(hold)).isAccepted)
            let newest = try #require(try await b.ledger.cluster.look(since: -1).state)
            try await site.failOver()
            for member in [b, c] { _ = await member.health.first(where: FailoverSite.isComparing) }
            await #expect(throws: LedgerError.self) {
                try await b.ledger.cluster.change(.resume(AccountID("kept")))
            }
            try await bury(a, site)
            for member in [b, c] { _ = await member.health.first { $0 == .available } }
            for member in [b, c] {
                let state = try #require(try await member.ledger.cluster.look(since: -1).state)
                #expect(state == newest)
                #expect(state.pausedAccounts == [AccountID("kept"), AccountID("paused")])
                #expect(state.pausedMembers.isEmpty && state.holds[.apiRetired] == hold)
            }
            #expect(b.ledger.counts.lostCommits + c.ledger.counts.lostCommits == 4)
            #expect(try await c.ledger.cluster.change(.resume(AccountID("kept"))).isAccepted)
            for member in [b, c] { await member.ledger.close(within: DatabaseLedger.closeTime) }
            await a.ledger.close(within: .zero)
        }
    }

    @Test func anAccountsCallAndItsWaitAreKnownToTheOthersAgain() async throws {
        try await FailoverSite.with { site async throws in
            let (a, b) = (try await site.join("a"), try await site.join("b"))
            let ended = try #require(
                try await a.ledger.lease(Sample.arrival("job-0", account: "bob"), limits: Self.limits))
            try await site.cutOff()
            let first = try #require(try await a.ledger.lease(Sample.arrival(), limits: Self.limits))
            #expect(
                try await a.ledger.record(
                    Sample.finished(Sample.arrival("job-0", account: "bob")), under: ended, isUnheard: false)
                    == .copy(0))
            let until = try #require(
                try await a.ledger.noteRefusal(of: AccountID("carl"), for: .minute, atLeast: .seconds(900)))
            try await site.failOver()
            for member in [a, b] {
                _ = await member.health.first(where: FailoverSite.isComparing)
                _ = await member.health.first { $0 == .available }
            }
            // A record, a claim, and a wait.
            #expect(a.ledger.counts.lostCommits == 3)
            func claim(_ job: String, _ account: String) async throws -> ClaimAnswer {
                var claim = Sample.claim(Sample.arrival(job, account: account), at: b.ledger.clusterClock.wall())
                claim.limits = Self.limits
                return try await b.ledger.claim(claim)
            }
            guard case .busy(.calls) = try await claim("job-2", "anna") else {
                Issue.record("a call of the account is under way")
                return
            }
            guard case .busy(.refused(.minute, let end)) = try await claim("job-3", "carl") else {
                Issue.record("the account is to be left alone")
                return
            }
            // By two clocks, which were set by one.
            #expect(end + .seconds(60) > until)
            guard case .claimed = try await claim("job-4", "bob") else {
                Issue.record("the account's call was heard")
                return
            }
            let heard = Sample.finished(Sample.arrival())
            #expect(try await a.ledger.record(heard, under: first, isUnheard: false) == .copy(0))
            guard case .claimed = try await claim("job-5", "anna") else {
                Issue.record("the call is over")
                return
            }
            for member in [a, b] { await member.ledger.close(within: DatabaseLedger.closeTime) }
        }
    }
}

/// A database that has less of what all share than the process that asks it.
@Suite(.withADatabase, .timeLimit(.minutes(10))) struct OlderSharedStateTests {
    @Test func nobodyAddsToAnOlderStateThanItKnows() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join()
        for account in ["a", "b"] {
            #expect(try await ledger.cluster.change(.pause(AccountID(account))).isAccepted)
        }
        // As behind a pooler that has gone to another server.
        try await database.run("UPDATE leave_album.cluster SET version = version - 1")
        await #expect(throws: LedgerError.self) { try await ledger.cluster.change(.pause(AccountID("c"))) }
        try await database.run("UPDATE leave_album.cluster SET version = version + 1")
        #expect(try await ledger.cluster.change(.pause(AccountID("c"))).isAccepted)
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
