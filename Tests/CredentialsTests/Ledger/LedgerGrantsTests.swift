import Clocks
import Credentials
import JSON
import Jobs
import Ledger
import RunningSimulator
import Secrets
import Testing

/// Several daemons, one grant: what becomes of it, and what the token endpoint sees.
@Suite(.timeLimit(.minutes(30))) struct LedgerGrantsTests {
    @Test func fourHostsRefreshAGrantOnce() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let hosts = try (0..<4).map { _ in try harness.host() }
            let answers = await withTaskGroup(of: String.self) { group in
                for number in 0..<100 {
                    group.addTask { await hosts[number % hosts.count].tokenAtLast("anna") }
                }
                return await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == ["at-1"])
            #expect(try await harness.refreshes().count == 1)
        }
    }

    /// Each has the same token in memory, and the API refuses it to all of them at once.
    @Test func aBurstOfRefusalsOnFourHostsIsOneRefresh() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let hosts = try (0..<4).map { _ in try harness.host() }
            for host in hosts { #expect(await host.tokenAtLast("anna") == "at-1") }
            let refused = secret("at-1").sha256
            let answers = await withTaskGroup(of: String.self) { group in
                for number in 0..<100 {
                    group.addTask { await hosts[number % hosts.count].tokenAtLast("anna", rejecting: refused) }
                }
                return await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == ["at-2"])
            #expect(try await harness.refreshes().count == 2)
            #expect(try await harness.revokedFamilies() == 0)
        }
    }

    @Test func aGrantThatHasEndedIsAskedForOnceByAllHosts() async throws {
        try await GrantsHarness.with { harness in
            try await harness.host().grants.put(GrantsHarness.grant("anna", "unknown to the server"))
            for _ in 0..<3 {
                let host = try harness.host()
                #expect(await host.tokenAtLast("anna").hasPrefix("grantRevoked"))
                #expect(host.lost.value == 0, "the user took it back, and nothing was cut off")
            }
            #expect(try await harness.refreshes().count == 1)
        }
    }

    /// A kill at each place, and then another host: it waits until the lease is over where there is one.
    @Test(arguments: KillPoint.allCases) func aKilledHostCostsNoGrantButWhereItsAnswerWasNotWritten(
        _ point: KillPoint
    ) async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let killed = try harness.host(killedAt: point, durations: GrantsHarness.brief)
            #expect(await killed.token("anna").hasPrefix("unavailable"))
            let other = try harness.host()
            let answer = await other.tokenAtLast("anna")
            let third = try harness.host()
            switch point {
            case .beforeLease, .afterLease:
                #expect(answer == "at-1")
                #expect(try await harness.refreshes().count == 1)
            case .afterWrite:
                #expect(answer == "at-1", "it was given out by nobody, and is good")
                #expect(try await harness.refreshes().count == 1)
            case .beforeWrite:
                #expect(answer.hasPrefix("reauthRequired") && answer.contains("cut off"), "\(answer)")
                #expect(try await harness.refreshes().count == 2, "what is there is tried once")
                #expect(await third.tokenAtLast("anna").hasPrefix("reauthRequired"))
                #expect(try await harness.refreshes().count == 2)
            }
            #expect(other.lost.value == (point == .beforeWrite ? 1 : 0) && third.lost.value == 0)
            #expect(try await harness.revokedFamilies() == (point == .beforeWrite ? 1 : 0))
        }
    }

    @Test func whatCouldNotBeWrittenIsWrittenBeforeAnybodyElseTakesTheGrant() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let host = try harness.host()
            host.rows.refuseSaves(1)
            #expect(await host.token("anna").hasPrefix("unavailable"), "no token before its grant is durable")
            // It needs no other question of the same host.
            let other = try harness.host()
            #expect(await other.tokenAtLast("anna") == "at-1")
            #expect(try await harness.refreshes().count == 1)
            #expect(await host.tokenAtLast("anna") == "at-1")
        }
    }

    /// Nobody knows what the endpoint has made of it, so that nobody asks again while it may still arrive.
    @Test func whatWasNotHeardIsAskedAgainOnlyAfterTheLease() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            try await harness.simulator.control(
                "faults", #"{"method":"token","actions":[{"status":504}],"count":1}"#)
            let host = try harness.host(durations: GrantsHarness.brief)
            let began = SystemTimeSource().now()
            #expect(await host.token("anna").hasPrefix("unavailable"))
            #expect(try await harness.run("SELECT refresh_until IS NOT NULL FROM leave_album.grants") == "t")
            #expect(await host.tokenAtLast("anna") == "at-1")
            #expect(SystemTimeSource().now() - began >= GrantsHarness.brief.whole)
            #expect(try await harness.refreshes().count == 2)
        }
    }

    @Test func aRefusalThatWasHeardLetsTheNextOneBeginAtOnce() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            try await harness.simulator.control(
                "faults", #"{"method":"token","actions":[{"status":503}],"count":1}"#)
            #expect(await (try harness.host()).token("anna").hasPrefix("unavailable"))
            #expect(try await harness.run("SELECT refresh_until IS NULL FROM leave_album.grants") == "t")
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-1")
        }
    }

    /// A refresh is a call: past its send window nothing is sent.
    @Test func aLeaseThatTookTooLongIsGivenBackWithoutARequest() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            var durations = GrantsHarness.durations
            durations.sendWindow = .milliseconds(20)
            let host = try harness.host(durations: durations)
            host.rows.slowLeases(by: .milliseconds(60))
            #expect(await host.token("anna").contains("not asked"))
            #expect(try await harness.refreshes().isEmpty)
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-1")
        }
    }

    @Test func anImportOutlivesTheRefreshThatRunsMeanwhile() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            try await harness.simulator.control(
                "grants", #"{"refreshToken":"imported","account":"anna","rotate":true,"strict":true}"#)
            let (host, other) = (try harness.host(), try harness.host())
            host.rows.beforeSave { try await other.grants.put(GrantsHarness.grant("anna", "imported")) }
            // The refresh of the former grant is forgotten, and the new one is refreshed.
            #expect(await host.tokenAtLast("anna") == "at-2")
            let kept = try #require(try await host.grants.load(AccountID("anna")))
            #expect(kept.refreshToken == secret("rt-2-anna"))
        }
    }

    @Test func aGrantThatWasRemovedMeanwhileIsNotFoundAndNotMadeAgain() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            let (host, other) = (try harness.host(), try harness.host())
            host.rows.beforeSave { _ = try await other.grants.remove(AccountID("anna")) }
            #expect(await host.tokenAtLast("anna") == "notFound")
            #expect(try await harness.refreshes().count == 1)
            #expect(try await host.grants.count() == 0)
        }
    }

    @Test func theDatabaseSeesNoSecret() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna", token: "very-secret")
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-1")
            let row = try await harness.run(
                "SELECT encode(sealed, 'escape'), encode(sealed_access, 'escape') FROM leave_album.grants")
            #expect(!row.isEmpty && !row.contains("secret") && !row.contains("rt-1") && !row.contains("at-1"))
            // Neither column is good in the other's place.
            _ = try await harness.run("UPDATE leave_album.grants SET sealed_access = sealed")
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-2")
        }
    }

    @Test func aTokenThatIsAboutToEndIsNotTakenFromAnother() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-1")
            _ = try await harness.run("UPDATE leave_album.grants SET access_until = now() + interval '30 seconds'")
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-2")
        }
    }

    @Test func whoeverChecksAsksTheEndpointThoughThereIsAToken() async throws {
        try await GrantsHarness.with { harness in
            try await harness.grant("anna")
            #expect(await (try harness.host()).tokenAtLast("anna") == "at-1")
            let asking = LedgerGrants(
                try harness.table(), key: harness.key, durations: GrantsHarness.durations, sharesTokens: false,
                perSecond: 1_000)
            guard case .turn = try await asking.begin(AccountID("anna"), unlike: []) else {
                Issue.record("it is refreshed")
                return
            }
        }
    }
}
