import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Grants that were refreshed on a primary whose standby never heard of it.
@Suite(.timeLimit(.minutes(10))) struct GrantFailoverTests {
    private static let (anna, bob, carl) = (AccountID("anna"), AccountID("bob"), AccountID("carl"))
    private static let hour = Duration.seconds(3_600)

    private struct Host {
        let member: FailoverMember
        let table: GrantTable
    }

    private func host(_ name: String, _ site: FailoverSite) async throws -> Host {
        let memory = GrantMemory()
        let member = try await site.join(name, grants: memory)
        // Its first heartbeat comes before any answer.
        _ = try await member.ledger.count(of: "today")
        return Host(member: member, table: try table(site, memory))
    }

    private func table(_ site: FailoverSite, _ memory: GrantMemory? = nil) throws -> GrantTable {
        try GrantTable(FailoverSite.configuration([site.primary.port, site.standby.port]), memory: memory)
    }

    private func refresh(_ account: AccountID, to sealed: UInt8, by table: GrantTable, fence: Int64) async throws {
        let row = try #require(try await table.find(account))
        #expect(try await table.lease(account, version: row.version, fence: fence, for: Self.hour) != nil)
        let refreshed = RefreshedGrant(
            account: account, fence: fence, version: row.version, sealed: [sealed],
            access: SealedAccess(sealed: [sealed], timeLeft: Self.hour))
        #expect(try await table.save(refreshed))
    }

    @Test func aLostRefreshIsWrittenAgainByWhoeverKnowsItAndALostLeaseIsStillOnes() async throws {
        try await FailoverSite.with { site async throws in
            let (a, b) = (try await host("a", site), try await host("b", site))
            // It does not come back, and is waited for.
            let c = try await site.join("c", knowsStandby: false)
            let other = try table(site)
            for account in [Self.anna, Self.bob, Self.carl] { #expect(try await other.add(account, [1])) }
            try await site.cutOff()
            try await refresh(Self.anna, to: 2, by: a.table, fence: 20)
            // Who did it is gone; somebody else has read it.
            try await refresh(Self.bob, to: 3, by: other, fence: 30)
            #expect(try await b.table.find(Self.bob)?.sealed == [3])
            let carls = try #require(try await a.table.find(Self.carl))
            let lease = try await a.table.lease(Self.carl, version: carls.version, fence: 40, for: Self.hour)
            #expect(lease == GrantLease(isInDoubt: false))
            try await site.failOver()
            for host in [a, b] { _ = await host.member.health.first(where: FailoverSite.isComparing) }
            // Nobody asks the token endpoint, nor writes, before all have compared.
            await #expect(throws: LedgerError.self) { try await b.table.find(Self.carl) }
            await #expect(throws: LedgerError.self) {
                try await b.table.lease(Self.carl, version: carls.version, fence: 41, for: Self.hour)
            }
            let answered = RefreshedGrant(account: Self.carl, fence: 40, version: carls.version, sealed: [4])
            await #expect(throws: LedgerError.self) { try await a.table.save(answered) }
            try await site.standby.run(
                "UPDATE leave_album.instances SET state = 'dead', ended = now() WHERE epoch = \(c.ledger.epoch ?? 0)")
            for host in [a, b] { _ = await host.member.health.first { $0 == .available } }
            #expect(a.member.ledger.counts.lostCommits == 2 && b.member.ledger.counts.lostCommits == 1)
            for (account, sealed) in [(Self.anna, UInt8(2)), (Self.bob, 3)] {
                let row = try #require(try await b.table.find(account))
                #expect(row.sealed == [sealed] && row.access?.sealed == [sealed] && row.leaseLeft == nil)
                #expect(row.access.map { $0.timeLeft > .seconds(1_800) && $0.timeLeft <= Self.hour } ?? false)
            }
            #expect(
                try await b.table.lease(Self.carl, version: carls.version, fence: 41, for: Self.hour) == nil,
                "the other is still about it")
            #expect(try await a.table.save(answered))
            #expect(try await b.table.find(Self.carl)?.sealed == [4])
            for host in [a, b] { await host.member.ledger.close(within: DatabaseLedger.closeTime) }
            await c.ledger.close(within: .zero)
        }
    }
}
