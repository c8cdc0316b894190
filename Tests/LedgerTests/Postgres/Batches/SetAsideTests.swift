import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A job whose row somebody else keeps, and all others.
@Suite struct SetAsideTests {
    private var backlog = PostgresBacklog()

    private mutating func add(_ id: String, at second: Double = 0) {
        backlog.add(.mark(.result, JobID(id), generation: 0), fence: 0, at: at(second)) { _, _ in }
    }

    private mutating func take(
        at second: Double, besides claimed: ClaimedKeys = ClaimedKeys()
    ) -> PostgresBacklog.Portion {
        backlog.take(most: 99, besides: claimed, at: at(second))
    }

    private func at(_ second: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64((second * 1_000_000_000).rounded()))
    }

    private func ids(_ portion: PostgresBacklog.Portion) -> [String] { portion.requests.map { "\($0.request.jobID)" } }

    /// It comes, alone, is undone, and waits.
    private mutating func setAside(_ id: String, at second: Double) {
        add(id)
        let portion = take(at: second)
        #expect(portion.onlyJob == JobID(id))
        backlog.putBack(portion, at: at(second))
        backlog.setAside(JobID(id), at: at(second))
    }

    @Test mutating func theOthersGoAndItIsTriedAloneAfterLongerAndLongerPauses() {
        setAside("held", at: 0)
        #expect(backlog.dueAt == at(1))
        add("free")
        add("held")
        #expect(ids(take(at: 0.5)) == ["free"], "what comes later of the job waits with it")
        var (second, pauses) = (0.0, [Double]())
        for _ in 0..<7 {
            add("free")
            let next = second + (pauses.last.map { min($0 * 2, 30) } ?? 1)
            #expect(ids(take(at: next - 0.1)) == ["free"] && backlog.dueAt == at(next))
            add("free")
            let portion = take(at: next)
            #expect(ids(portion) == ["held", "held"] && portion.lockTimeout == .milliseconds(100))
            #expect(ids(take(at: next)) == ["free"])
            backlog.putBack(portion, at: at(next))
            backlog.setAside(JobID("held"), at: at(next))
            pauses.append(next - second)
            second = next
        }
        #expect(pauses == [1, 2, 4, 8, 16, 30, 30])
    }

    @Test mutating func whatIsAnsweredIsAJobAsAnyOther() {
        setAside("held", at: 0)
        _ = take(at: 1)
        backlog.settle(JobID("held"))
        #expect(!backlog.hasSetAside && backlog.dueAt == nil)
        add("held", at: 1)
        add("free", at: 1)
        let portion = take(at: 1)
        #expect(ids(portion) == ["held", "free"] && portion.lockTimeout == nil)
    }

    @Test mutating func whoLooksForOneAtFaultPassesItOver() {
        setAside("held", at: 0)
        add("free")
        #expect(ids(backlog.takeSingle(at: at(0.5))) == ["free"])
        #expect(ids(backlog.takeSingle(at: at(0.5))) == [])
        #expect(ids(backlog.takeSingle(at: at(1))) == ["held"])
    }

    @Test mutating func itWaitsForWhatIsOnItsWayWithItsDay() {
        let claim = Sample.claim(Sample.arrival("held"), day: "today")
        backlog.add(.claim(claim), fence: 0, at: at(0)) { _, _ in }
        backlog.putBack(take(at: 0), at: at(0))
        backlog.setAside(JobID("held"), at: at(0))
        var flying = PostgresBacklog.Portion()
        flying.requests = [
            PendingRequest(
                number: 99, request: .claim(Sample.claim(Sample.arrival("other"), day: "today")), fence: 0
            ) { _, _ in }
        ]
        var claimed = ClaimedKeys()
        claimed.add(flying, changing: [])
        #expect(ids(take(at: 1, besides: claimed)) == [])
        #expect(ids(take(at: 1)) == ["held"])
    }

    @Test mutating func aQuestionDoesNotWaitForIt() {
        setAside("held", at: 0)
        backlog.add(query: LedgerQuery(steps: [], decode: { _ in {} }), at: at(0))
        #expect(take(at: 0).queries.count == 1)
    }

    @Test mutating func nonePausesLongerThanWhoTriesAllAgain() {
        for second in [0.0, 1, 3] {
            if second == 0 { setAside("held", at: 0) } else { backlog.setAside(JobID("held"), at: at(second)) }
        }
        #expect(backlog.dueAt == at(7))
        backlog.hastenSetAside(to: at(3.1), at: at(3))
        #expect(backlog.dueAt == at(3.1))
        #expect(take(at: 3).requests.isEmpty && ids(take(at: 3.1)) == ["held"])
    }
}

/// The same with a database and a session that keeps the row.
@Suite(.withADatabase, .timeLimit(.minutes(30))) struct HeldRowTests {
    @Test(arguments: [1, 2]) func aHeldRowIsNoWordOfTheDatabase(_ connections: Int) async throws {
        let health = HeardHealth()
        let database = try await SharedDatabase()
        _ = try await database.run("ALTER DATABASE \(database.name) SET lock_timeout = '200ms'")
        let ledger = try await database.join {
            $0.configuration.connections = connections
            $0.heartbeatInterval = .seconds(3_600)
            $0.onHealth = { health.note($0) }
        }
        _ = try await ledger.lease(Sample.arrival("held"))
        try await HeldRow.holding(database) { release in
            let held = HeldRow.ask(ledger, HeldRow.record("held"))
            // Undone by itself, and then again after each pause; others are done between and beside.
            var number = 0
            while ledger.counts.retries["55P03", default: 0] < 3 {
                let free = (number..<number + 20).map { HeldRow.ask(ledger, HeldRow.record("free-\($0)")) }
                for answers in free { #expect(await answers.first { _ in true } == .recorded(.copy(0))) }
                number += 20
            }
            try await release()
            #expect(await held.first { _ in true } == .recorded(.copy(0)))
        }
        #expect(health.words.withLock { $0 }.isEmpty)
        #expect(try await ledger.verify() == [])
        await ledger.close(within: DatabaseLedger.closeTime)
    }

    /// No job is done, whichever is tried; so the ledger is away until one is.
    @Test func aHeldTableIsOne() async throws {
        let health = HeardHealth()
        let database = try await SharedDatabase()
        _ = try await database.run("ALTER DATABASE \(database.name) SET lock_timeout = '200ms'")
        let ledger = try await database.join {
            $0.heartbeatInterval = .seconds(3_600)
            $0.onHealth = { health.note($0) }
        }
        try await HeldRow.holding(database, by: HeldRow.table) { release in
            let records = (0..<12).map { HeldRow.ask(ledger, HeldRow.record("job-\($0)")) }
            _ = await health.first { if case .unavailable = $0 { true } else { false } }
            let before = ledger.counts.retries["55P03", default: 0]
            while ledger.counts.retries["55P03", default: 0] < before + 3 { await Task.yield() }
            #expect(health.words.withLock { $0 }.count == 1)
            try await release()
            for answers in records { #expect(await answers.first { _ in true } == .recorded(.copy(0))) }
        }
        _ = await health.first { if case .available = $0 { true } else { false } }
        #expect(try await ledger.verify() == [])
        await ledger.close(within: DatabaseLedger.closeTime)
    }
}
