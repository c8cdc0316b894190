import Clocks
import Credentials
import Jobs
import Ledger
import PostgresLedger
import Secrets
import Testing

/// The rows of grants, and what operators do with them.
@Suite(.timeLimit(.minutes(30))) struct GrantTableTests {
    private static let anna = AccountID("anna")

    private func row(_ harness: GrantsHarness) async throws -> SealedGrant {
        try #require(try await harness.table().find(Self.anna))
    }

    @Test func aLeaseIsOneHostsUntilItEnds() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let table = try harness.table()
            let seen = try await row(harness)
            #expect(seen.leaseLeft == nil)
            let time = Duration.seconds(60)
            let first = try await table.lease(Self.anna, version: seen.version, fence: 1, for: time)
            #expect(first == GrantLease(isInDoubt: false))
            #expect(try await table.lease(Self.anna, version: seen.version, fence: 2, for: time) == nil)
            // Whoever did not hear the answer asks once more.
            #expect(try await table.lease(Self.anna, version: seen.version, fence: 1, for: time) == first)
            let left = try #require(try await row(harness).leaseLeft)
            #expect(left > .seconds(30) && left <= time)
            #expect(try await table.renew(Self.anna, fence: 1, for: time))
            #expect(try await !table.renew(Self.anna, fence: 2, for: time))
            try await table.release(Self.anna, fence: 2)
            #expect(try await row(harness).leaseLeft != nil)
            try await table.release(Self.anna, fence: 1)
            #expect(try await row(harness).leaseLeft == nil)
            #expect(
                try await table.lease(Self.anna, version: seen.version, fence: 2, for: time)
                    == GrantLease(isInDoubt: false), "it was let go in order")
        }
    }

    @Test func aLeaseThatEndedByItselfLeavesADoubtUntilSomethingIsWritten() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let table = try harness.table()
            let seen = try await row(harness)
            _ = try await table.lease(Self.anna, version: seen.version, fence: 1, for: .milliseconds(-1))
            let second = try await table.lease(Self.anna, version: seen.version, fence: 2, for: .seconds(60))
            #expect(second == GrantLease(isInDoubt: true))
            // Though that one was let go in order.
            try await table.release(Self.anna, fence: 2)
            let third = try await table.lease(Self.anna, version: seen.version, fence: 3, for: .seconds(60))
            #expect(third == GrantLease(isInDoubt: true))
            let refreshed = RefreshedGrant(account: Self.anna, fence: 3, version: seen.version, sealed: seen.sealed)
            #expect(try await table.save(refreshed))
            let now = try await row(harness)
            #expect(now.version != seen.version)
            #expect(
                try await table.lease(Self.anna, version: now.version, fence: 4, for: .seconds(60))
                    == GrantLease(isInDoubt: false))
        }
    }

    @Test func aLateAnswerIsWrittenUnlessSomebodyHasWrittenSince() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let table = try harness.table()
            let seen = try await row(harness)
            _ = try await table.lease(Self.anna, version: seen.version, fence: 1, for: .milliseconds(-1))
            _ = try await table.lease(Self.anna, version: seen.version, fence: 2, for: .seconds(60))
            func refreshed(_ fence: Int64) -> RefreshedGrant {
                RefreshedGrant(account: Self.anna, fence: fence, version: seen.version, sealed: [UInt8(fence)])
            }
            #expect(try await table.save(refreshed(1)), "it is the newest that anybody has")
            #expect(try await row(harness).sealed == [1])
            #expect(try await table.save(refreshed(2)), "its answer is the later one")
            #expect(try await table.save(refreshed(2)), "and may be written twice")
            #expect(try await !table.save(refreshed(1)))
            #expect(try await row(harness).sealed == [2])
            try await table.replace(Self.anna, with: [9])
            #expect(try await !table.save(refreshed(2)))
            #expect(try await row(harness).sealed == [9])
        }
    }

    @Test func aChangedRowIsNotLeasedByWhoReadItBefore() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let table = try harness.table()
            let seen = try await row(harness)
            try await table.replace(Self.anna, with: seen.sealed)
            #expect(try await table.lease(Self.anna, version: seen.version, fence: 1, for: .seconds(60)) == nil)
            #expect(try await !table.reseal(Self.anna, version: seen.version, as: [1]))
        }
    }

    @Test func allWhoRefreshStandInOneLine() async throws {
        try await GrantsHarness.with { harness in
            let tables = [try harness.table(), try harness.table()]
            let (clock, interval) = (SystemTimeSource(), Duration.seconds(10))
            let began = clock.now()
            for number in 0..<3 {
                let wait = try await tables[number % 2].takePlace(every: interval)
                // No earlier than its place, as the database's clock has it to the millisecond.
                #expect(clock.now() - began + wait >= interval * number - .milliseconds(5))
                #expect(wait <= interval * number)
            }
            // A line that reaches into next year was made by a clock that was wrong.
            _ = try await harness.run("UPDATE leave_album.refreshes SET next = now() + interval '1 year'")
            #expect(try await tables[0].takePlace(every: interval) <= .seconds(30))
        }
    }

    @Test func grantsAreListedCountedSealedAnewAndRemoved() async throws {
        try await GrantsHarness.with { harness in
            let grants = try harness.host().grants
            for number in 0..<5 { try await grants.put(GrantsHarness.grant("a\(number)", "rt-\(number)")) }
            try await grants.put(GrantsHarness.grant("a0", "newer"))
            #expect(try await grants.count() == 5)
            let first = try #require(try await grants.load(AccountID("a0")))
            #expect(first.generation == 2 && first.refreshToken == secret("newer"))
            let key = try #require(SealingKey(SealingKey.generate()))
            for number in 0..<4 { try await grants.reseal(AccountID("a\(number)"), with: key) }
            func opened(_ grants: any GrantStoring) async throws -> [String] {
                var accounts: [String] = []
                try await grants.list { if case .success(let grant) = $0 { accounts.append(grant.account.string) } }
                return accounts
            }
            #expect(try await opened(grants) == ["a4"])
            #expect(try await opened(grants.under(key: key)) == ["a0", "a1", "a2", "a3"])
            #expect(try await grants.remove(AccountID("a4")))
            #expect(try await !grants.remove(AccountID("a4")))
        }
    }

    @Test func aDirectoryMovesIntoTheLedgerAndNothingNewerIsLost() async throws {
        try await GrantsHarness.with { harness in
            let folder = GrantFolder()
            let store = GrantStore(directory: folder.path, key: harness.key)
            let ledger = try harness.host().grants
            for name in ["anna", "bert", "carl"] { try store.save(GrantsHarness.grant(name, "rt-\(name)")) }
            // One was moved by a command that was killed before it removed the file, another is newer in the ledger.
            #expect(try await ledger.add(GrantsHarness.grant("bert", "rt-bert")))
            try await ledger.put(GrantsHarness.grant("carl", "rotated"))
            for (name, expected) in [("anna", "moved"), ("bert", "moved"), ("carl", "isThere"), ("dora", "notFound")] {
                #expect("\(try await store.move(AccountID(name), to: ledger))" == expected, "\(name)")
            }
            #expect(try await ledger.load(AccountID("anna"))?.refreshToken == secret("rt-anna"))
            #expect(try await ledger.load(AccountID("carl"))?.refreshToken == secret("rotated"))
            #expect(try store.load(AccountID("anna")) == nil && store.load(AccountID("bert")) == nil)
            #expect(try store.load(AccountID("carl")) != nil)
        }
    }
}
