import Clocks
import Concurrency
import Foundation
import Jobs
import Ledger
import LedgerDatabase
import PrivateDatabase
import SharedLedger
import Testing

@testable import PostgresLedger

/// Eight clients do to twenty jobs of five accounts what workers do, at once: whatever a ledger answers, there is an
/// order of all requests, one at a time, in which `LedgerRules` and `AccountSlotRules` give the same answers.
@Suite(.timeLimit(.minutes(30))) struct LinearizabilityTests {
    /// `LEAVE_ALBUMD_HISTORIES`: as many histories, from seed 1 on.
    private static let histories = ProcessInfo.processInfo.environment["LEAVE_ALBUMD_HISTORIES"].flatMap(UInt64.init)

    private typealias Pause = @Sendable () async -> Void

    /// The orders of events are the seed's, and time passes when a client lets it.
    private func contradictions(
        seed: UInt64, _ join: @escaping @Sendable (SharedJobs, StoppedClock, @escaping Pause) -> any JobLedger
    ) async throws -> [String] {
        let (jobs, clock) = (SharedJobs(), StoppedClock())
        let scheduler = SeededScheduler(tasks: LedgerClients.count, seed: seed)
        let clients = LedgerClients(
            shared: .init(
                join: { client in join(jobs, clock) { await scheduler.stand(client) } }, now: { clock.wall() },
                pause: { await scheduler.stand($0) }, pass: { clock.advance(by: $0) }, leave: { scheduler.leave() },
                lease: SharedMemoryLedger.durations.whole...SharedMemoryLedger.durations.whole))
        try await clients.run(seed: seed)
        return clients.contradictions()
    }

    @Test("a ledger in memory answers as the rules do, one request at a time")
    func memory() async throws {
        for seed in 1...(Self.histories ?? 100) {
            let found = try await contradictions(seed: seed) { jobs, clock, _ in
                SharedMemoryLedger(jobs, clock: clock)
            }
            #expect(found.isEmpty, "seed \(seed):\n\(found.joined(separator: "\n"))")
        }
    }

    @Test("a ledger in PostgreSQL answers as the rules do, whoever is killed, and whichever connection is cut")
    func postgres() async throws {
        try await LedgerServer.shared.with { server in
            let database = try await LedgerServer.shared.freshDatabase(on: server)
            let members = DatabaseMembers(
                configuration: try LedgerServer.configuration(of: server, database: database))
            let whole = DatabaseMembers.durations.whole
            for seed in 1...(Self.histories ?? 3) {
                let cuts = Cuts()
                let clients = LedgerClients(
                    shared: .init(
                        join: { try await members.member($0) }, kill: { await members.kill($0) },
                        now: { SystemTimeSource().wall() },
                        pause: { _ in
                            guard cuts.isDue() else { return await Task.yield() }
                            cuts.note(try? await server.run(Self.cutting, database: database))
                        }, pass: { _ in }, leave: {},
                        // A clock that was guessed is never slow.
                        lease: whole...whole + JobGuesses.clockError * 2))
                try await clients.run(seed: seed)
                #expect(cuts.hits >= Cuts.times, "each hits somebody")
                let found = clients.contradictions()
                #expect(found.isEmpty, "seed \(seed):\n\(found.joined(separator: "\n"))")
            }
            await members.end()
        }
    }

    /// Some connections of the members, those first that are about something. Other tests have their databases on the
    /// same server.
    private static let cutting = """
        SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND usename = '\(LedgerServer.worker)'
        ORDER BY state = 'idle', random() LIMIT 3) members
        """

    /// When connections are cut: in the middle of the clients' work, at three of the many moments at which they pause.
    private final class Cuts: Sendable {
        static let times = 3
        private static let everyPauses = 100
        private let state = Lock((pauses: 0, hits: 0))

        func isDue() -> Bool {
            state.withLock { state in
                state.pauses += 1
                return state.pauses % Self.everyPauses == 0 && state.pauses <= Self.times * Self.everyPauses
            }
        }

        func note(_ count: String?) { state.withLock { $0.hits += count.flatMap { Int($0) } ?? 0 } }

        var hits: Int { state.withLock { $0.hits } }
    }

    @Test("a ledger with one thing wrong is found out", arguments: WrongLedger.Fault.allCases)
    func wrong(fault: WrongLedger.Fault) async throws {
        for seed in UInt64(1)...100 {
            let found = try await contradictions(seed: seed) { jobs, clock, pause in
                WrongLedger(fault, jobs, clock: clock, pause: pause)
            }
            if !found.isEmpty { return }
        }
        Issue.record("a hundred histories show nothing wrong")
    }
}
