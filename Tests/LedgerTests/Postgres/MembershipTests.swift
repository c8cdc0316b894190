import Clocks
import Concurrency
import Jobs
import LedgerDatabase
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Who works on the ledger, by the database's clock alone.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct MembershipTests {
    @Test func eachStartIsAnEpochOfItsOwnAndIsSeenToComeAndGo() async throws {
        let database = try await SharedDatabase()
        let one = try await database.join("host")
        let two = try await database.join("host")
        #expect(one.epoch == 1 && two.epoch == 2, "of one name, too")
        #expect(try await one.members().map(\.state) == [.working, .working])
        two.drain()
        _ = try await two.knowsSuccess()
        #expect(try await one.members().map(\.state) == [.working, .draining])
        #expect(try await two.lease() != nil, "what it began it may bring to its end")
        await two.close(within: DatabaseLedger.closeTime)
        let members = try await one.members()
        #expect(members.map(\.state) == [.working, .gone])
        #expect(members.map(\.name) == ["host", "host"] && members.map(\.version) == ["1", "1"])
        await one.close(within: DatabaseLedger.closeTime)
    }

    /// The reader has a connection of its own, and makes it for the first question.
    @Test func aHostThatIsDownCostsNobodyAnAnswer() async throws {
        let database = try await SharedDatabase()
        // Nobody listens at the first two.
        let hosts = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:\(database.server.port)"
        var configuration = try PostgresConfiguration(
            PostgresURL("postgresql://\(LedgerServer.worker)@\(hosts)/\(database.name)"))
        configuration.connectTimeout = .seconds(120)
        let ledger = try await database.join { [configuration] in $0.configuration = configuration }
        #expect(try await ledger.differingSettings().isEmpty)
        #expect(try await ledger.lease() != nil)
        #expect(try await ledger.history(of: JobID("job-1")) != nil)
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whoeverIsTakenForDeadJoinsAnewBeforeItClaims() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.heartbeatInterval = .seconds(3_600) }
        let before = try #require(try await ledger.lease(Sample.arrival("before")))
        try await database.bury(ledger)
        #expect(try await ledger.lease(Sample.arrival("between")) != nil, "as the member that it is by then")
        #expect(ledger.epoch == 2 && ledger.counts.rejoins == 1)
        let after = try #require(try await ledger.lease(Sample.arrival("after")))
        #expect(after.fence >> 32 == 2)
        // What it had begun it brings to its end under the old fence.
        let record = Sample.finished(Sample.arrival("before"))
        #expect(try await ledger.record(record, under: before, isUnheard: false) == .copy(0))
        // It has not ended, so that it is nobody's death.
        #expect(try await database.run("SELECT seen > ended FROM leave_album.instances WHERE epoch = 1") == "t")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whoeverHasGivenItsFencesJoinsAnewAndClaimsOn() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join {
            $0.heartbeatInterval = .seconds(3_600)
            $0.lastSequence = .max - 1
        }
        // The first heartbeat may come before the claims, or between them, or after one that finds no fence.
        var leases: [Lease] = []
        for number in 0..<6 {
            guard let lease = try? await ledger.lease(Sample.arrival("job-\(number)")) else { continue }
            leases.append(lease)
        }
        #expect(leases.count >= 5 && Set(leases.map(\.fence)).count == leases.count)
        #expect(leases.last.map { $0.fence >> 32 } == 2 && ledger.epoch == 2 && ledger.counts.rejoins == 1)
        // It has not died, so that nobody takes its calls over before their leases are over.
        #expect(try await database.run("SELECT state FROM leave_album.instances ORDER BY epoch") == "gone\nworking")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aFenceIsGivenOnceAndNoneBeyondTheLast() {
        var membership = Membership(MemberDescription(name: "a", version: "1"), epoch: 7, sequence: .max - 1)
        #expect(membership.needsNewEpoch)
        #expect(membership.nextFence() == 7 << 32 | Int64(UInt32.max))
        #expect(membership.nextFence() == nil && membership.nextFence() == nil)
        membership.rejoin(as: 8)
        #expect(!membership.needsNewEpoch && membership.nextFence() == 8 << 32 | 1)
    }

    @Test func aTrialOfACommitCommitsAndSaysSoIfNothingWasCommitted() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.heartbeatInterval = .seconds(3_600) }
        _ = try await ledger.knowsSuccess()
        let transaction = "SELECT xmin FROM leave_album.instances"
        let before = try await database.run(transaction)
        _ = try await ledger.knowsSuccess()
        #expect(try await database.run(transaction) == before, "what reads proves nothing")
        try await ledger.commitTrial()
        #expect(try await database.run(transaction) != before)
        try await database.bury(ledger)
        await #expect(throws: LedgerError.self) { try await ledger.commitTrial() }
        let command = try await DatabaseLedger.attach(database.configuration(port: database.server.port))
        await #expect(throws: LedgerError.self) { try await command.commitTrial() }
        await command.close(within: DatabaseLedger.closeTime)
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whoeverIsNotHeardOfIsTakenForDeadByTheOthers() async throws {
        let database = try await SharedDatabase()
        let silent = try await database.join("silent") { $0.heartbeatInterval = .seconds(3_600) }
        _ = try await silent.knowsSuccess()
        try await database.run("UPDATE leave_album.instances SET alive_until = now() - interval '1 second'")
        let other = try await database.join("other")
        while try await other.members().first?.state != .dead {}
        #expect(try await other.members().map(\.state) == [.dead, .working])
        await silent.close(within: DatabaseLedger.closeTime)
        await other.close(within: DatabaseLedger.closeTime)
    }

    @Test func whatAMemberCouldNotSayWhileTheDatabaseWasAwayItSaysAfterwards() async throws {
        let database = try await SharedDatabase()
        let isAway = Lock(false)
        let script = PostgresProxy.script(to: database.server.port) { _ in
            isAway.withLock { $0 } ? .swallow : .pass
        }
        try await RawPeer.serving(script) { peer in
            let other = try await database.join("other")
            let ledger = try await database.join("leaving", port: peer.port)
            isAway.withLock { $0 = true }
            await #expect(throws: LedgerError.self) { try await ledger.knowsSuccess() }
            ledger.drain()
            isAway.withLock { $0 = false }
            while try await other.members().last?.state != .draining {}
            await ledger.close(within: DatabaseLedger.closeTime)
            #expect(try await other.members().map(\.state) == [.working, .gone])
            await other.close(within: DatabaseLedger.closeTime)
        }
    }

    @Test func whoeverIsTakenForDeadWhileItDrainsDrainsAsTheMemberThatItIsThen() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.heartbeatInterval = .seconds(3_600) }
        ledger.drain()
        _ = try await ledger.knowsSuccess()
        try await database.bury(ledger)
        _ = try await ledger.lease()
        while try await ledger.members().last?.state != .draining {}
        #expect(ledger.epoch == 2)
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func whoeverIsToEndDuringAHeartbeatSaysSoAtOnce() async throws {
        let database = try await SharedDatabase()
        let joined = Lock<DatabaseLedger?>(nil)
        let isFirst = Lock(true)
        // The first heartbeat is with the proxy when it comes.
        let script = PostgresProxy.script(to: database.server.port) { statements in
            guard statements.contains("beat"), isFirst.withLock({ $0 }) else { return .pass }
            while true {
                guard let ledger = joined.withLock({ $0 }) else { continue }
                ledger.drain()
                break
            }
            isFirst.withLock { $0 = false }
            return .pass
        }
        try await RawPeer.serving(script) { peer in
            let ledger = try await database.join(port: peer.port) { $0.heartbeatInterval = .seconds(3_600) }
            joined.withLock { $0 = ledger }
            _ = try await ledger.knowsSuccess()
            #expect(try await ledger.members().map(\.state) == [.draining])
            await ledger.close(within: DatabaseLedger.closeTime)
            joined.withLock { $0 = nil }
        }
    }

    @Test func settingsAreComparedAtEachHeartbeat() async throws {
        let database = try await SharedDatabase()
        let pace = Lock("even")
        func join(_ name: String, _ settings: @escaping @Sendable () -> [String: String]) async throws -> DatabaseLedger
        {
            var parts = DatabaseLedger.Parts(
                configuration: try database.configuration(port: database.server.port),
                durations: SharedDatabase.durations)
            parts.heartbeatInterval = .milliseconds(20)
            parts.lifetime = .seconds(600)
            return try await DatabaseLedger.open(
                parts, member: MemberDescription(name: name, version: "1", settings: settings))
        }
        let one = try await join("a") { ["limits.pace": "even", "own": "x"] }
        let two = try await join("b") { ["limits.pace": pace.withLock { $0 }] }
        #expect(try await one.differingSettings().isEmpty)
        // A reload.
        pace.withLock { $0 = "asap" }
        while one.sharedReading?.differing != [DifferingSetting(name: "b", epoch: 2, key: "limits.pace")] {
            _ = try await one.knowsSuccess()
        }
        pace.withLock { $0 = "even" }
        while one.sharedReading?.differing != [] { _ = try await one.knowsSuccess() }
        await two.close(within: DatabaseLedger.closeTime)
        await one.close(within: DatabaseLedger.closeTime)
    }

    @Test func aReportIsWhatTheMemberLastSaidOfItself() async throws {
        let database = try await SharedDatabase()
        let ledger = try await DatabaseLedger.open(
            DatabaseLedger.Parts(
                configuration: try database.configuration(port: database.server.port),
                durations: SharedDatabase.durations),
            member: MemberDescription(
                name: "a", version: "1", settings: { ["base_url": "\"quoted\\"] }, report: { #"{"in_flight": 3}"# }))
        while try await ledger.members().first?.report == "{}" {}
        #expect(try await ledger.members().first?.report == #"{"in_flight": 3}"#)
        #expect(
            try await database.run("SELECT settings ->> 'base_url' FROM leave_album.instances") == "\"quoted\\")
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    @Test func aCommandWithoutADaemonAsksAndEndsJobsButClaimsNothing() async throws {
        let database = try await SharedDatabase()
        let member = try await database.join()
        try await member.record(Sample.parked(Sample.arrival()), under: nil, isUnheard: false)
        let command = try await DatabaseLedger.attach(database.configuration(port: database.server.port))
        #expect(command.epoch == nil)
        await #expect(throws: LedgerError.self) { try await command.lease(Sample.arrival("new")) }
        guard case .open(let job) = try await command.cancelForGood(JobID("job-1"), newest: nil, at: Sample.start)
        else {
            Issue.record("it is open")
            return
        }
        #expect(
            try await command.finishCancelled(job, result: Sample.result(outcome: .failed, reason: .cancelled)))
        #expect(try await command.statuses(of: [JobID("job-1"), JobID("nobody")]).map(\.generation) == [0, 0])
        #expect(try await command.members().count == 1)
        await command.close(within: DatabaseLedger.closeTime)
        await member.close(within: DatabaseLedger.closeTime)
    }

    @Test func whatAnotherThatLivesHasNotPublishedIsItsOwnToPublish() async throws {
        let database = try await SharedDatabase()
        let one = try await database.join("a") { $0.heartbeatInterval = .seconds(3_600) }
        let two = try await database.join("b")
        try await one.record(Sample.finished(Sample.arrival()), under: nil, isUnheard: false)
        #expect(try await two.unpublishedResults(after: nil, limit: 9).isEmpty)
        #expect(try await one.unpublishedResults(after: nil, limit: 9).map(\.isLeftByAnother) == [false])
        try await database.bury(one)
        #expect(try await two.unpublishedResults(after: nil, limit: 9).map(\.isLeftByAnother) == [true])
        await one.close(within: DatabaseLedger.closeTime)
        await two.close(within: DatabaseLedger.closeTime)
    }

    // MARK: Clocks

    @Test func theMembersClockIsTheDatabasesWhateverTheHostSays() async throws {
        let database = try await SharedDatabase()
        let ledger = try await database.join { $0.clock = ShiftedClock() }
        let offset = try #require(ledger.clusterClock.offset)
        #expect(offset < .seconds(-3_500) && offset > .seconds(-3_700), "\(offset)")
        let difference = ledger.clusterClock.wall() - SystemTimeSource().wall()
        #expect(difference < .seconds(60) && difference > .seconds(-60))
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// To a member whose own clock steps, the database's has jumped.
    @Test func whileTheDatabasesClockIsNotTrustedNobodyIsTakenOver() async throws {
        let database = try await SharedDatabase()
        let one = try await database.join("a")
        _ = try #require(try await one.lease())
        try await database.endLeases()
        let clock = ShiftedClock()
        let two = try await database.join("b") {
            $0.clock = clock
            // One that is under way at the step would take it for a slow answer.
            $0.heartbeatInterval = .seconds(1_000_000)
        }
        _ = try await two.knowsSuccess()
        clock.step(by: .seconds(10))
        guard case .leased = try await two.lookUp(Sample.arrival(), at: Sample.start) else {
            Issue.record("its lease may have ended early")
            return
        }
        #expect(two.counts.clockJumps == 1)
        #expect(try await two.lease(kind: .albumQuery, isAmbiguous: true) == nil)
        #expect(try await two.lease(Sample.arrival("new")) != nil, "what nobody had is free")
        // As long as a lease may last.
        clock.step(by: SharedDatabase.durations.whole + .seconds(20))
        _ = try await two.lookUp(Sample.arrival(), at: Sample.start)
        #expect(two.counts.clockJumps == 2, "a step of the member's own clock is taken for the database's")
        await one.close(within: DatabaseLedger.closeTime)
        await two.close(within: DatabaseLedger.closeTime)
    }

    /// Its holder may have longer settings than whoever sees the jump.
    @Test func aClockThatHasJumpedEndsNoLeaseForAsLongAsAnyMembersMayLast() async throws {
        let database = try await SharedDatabase()
        let one = try await database.join("a", durations: LeaseDurations(callTimeout: .seconds(50)))
        _ = try #require(try await one.lease())
        try await database.endLeases()
        let clock = ShiftedClock()
        let two = try await database.join("b", durations: LeaseDurations(callTimeout: .seconds(3))) {
            $0.clock = clock
            $0.heartbeatInterval = .seconds(1_000_000)
        }
        _ = try await two.knowsSuccess()
        clock.step(by: .seconds(10))
        guard case .leased(let until) = try await two.lookUp(Sample.arrival(), at: Sample.start) else {
            Issue.record("its lease may have ended early")
            return
        }
        #expect(until - Sample.start > LeaseDurations.longest - .seconds(5), "\(until - Sample.start)")
        await one.close(within: DatabaseLedger.closeTime)
        await two.close(within: DatabaseLedger.closeTime)
    }
}

/// A host's clock that is an hour ahead, and that may step.
private final class ShiftedClock: TimeSource {
    private let system = SystemTimeSource()
    private let steps = Lock(Duration.zero)

    func now() -> MonotonicTime { system.now() + steps.withLock { $0 } }
    func wall() -> Timestamp { system.wall() + .seconds(3_600) }
    func sleep(until time: MonotonicTime) async { await system.sleep(until: time) }
    func step(by duration: Duration) { steps.withLock { $0 += duration } }
}
