import Concurrency
import Jobs
import PrivateDatabase
import ScriptedPeer
import Testing

@testable import Ledger
@testable import PostgresLedger

/// Connections of one daemon that end at two servers, both of which take writes.
@Suite(.timeLimit(.minutes(30))) struct TwoServersTests {
    /// One address, and where each connection to it goes.
    private final class Address: Sendable {
        struct Batch: Sendable {
            var connection: Int
            var port: Int
            var statements: [String]
        }

        private struct State {
            /// Of the next connections, one after the other.
            var next: [Int] = []
            /// Of all that come then.
            var port: Int
            /// Of each connection, by its number.
            var ports: [Int: Int] = [:]
            var batches: [Batch] = []
        }

        private let state: Lock<State>

        init(_ port: Int) { state = Lock(State(port: port)) }

        /// Where the next connections go, and then all others.
        func lead(_ next: [Int] = [], to port: Int) {
            state.withLock { state in
                (state.next, state.port) = (next, port)
                state.batches = []
            }
        }

        /// Without its end, as a pooler does.
        func move(_ connection: Int, to port: Int) { state.withLock { $0.ports[connection] = port } }

        /// Since the address was last led elsewhere.
        var batches: [Batch] { state.withLock { $0.batches } }

        private func route(_ connection: Int, _ statements: [String]) -> Int {
            state.withLock { state in
                let port: Int
                if let known = state.ports[connection] {
                    port = known
                } else {
                    port = state.next.isEmpty ? state.port : state.next.removeFirst()
                    state.ports[connection] = port
                }
                state.batches.append(Batch(connection: connection, port: port, statements: statements))
                return port
            }
        }

        var script: RawPeer.Script {
            { client in try PostgresProxy.pooling { [self] in route(client.number, $0) }(client) }
        }
    }

    /// A member behind the address, which shows that it lives over a new connection, and when it begins to drain.
    private static func with(
        _ body: (FailoverSite, Address, RawPeer, FailoverMember) async throws -> Void
    ) async throws {
        try await FailoverSite.with { site async throws in
            let address = Address(site.primary.port)
            try await RawPeer.serving(address.script) { peer in
                let member = try await site.join("a") { parts in
                    parts.configuration = try FailoverSite.configuration([Int(peer.port)])
                    parts.heartbeatInterval = .seconds(3_600)
                }
                try await body(site, address, peer, member)
                await member.ledger.close(within: DatabaseLedger.closeTime)
            }
        }
    }

    /// The standby takes over, without the last record of the member, and the primary goes on.
    private static func promote(_ site: FailoverSite, _ member: FailoverMember) async throws {
        let lease = try #require(try await member.ledger.lease())
        try await site.cutOff()
        #expect(
            try await member.ledger.record(Sample.finished(Sample.arrival()), under: lease, isUnheard: false)
                == .copy(0))
        try await site.standby.run("SELECT pg_promote()")
    }

    private static func expectComparison(_ site: FailoverSite, _ member: FailoverMember) async throws {
        _ = await member.health.first(where: FailoverSite.isComparing)
        _ = await member.health.first { $0 == .available }
        #expect(member.ledger.counts.lostCommits == 1)
        #expect(try await site.standby.run("SELECT finished FROM leave_album.jobs") == "t")
        #expect(try await member.ledger.lease(Sample.arrival("job-2")) != nil)
        #expect(try await site.standby.run("SELECT count(*) FROM leave_album.jobs") == "2")
    }

    /// What is run before a daemon knows that all its connections end at one server.
    private static let looking: Set = ["writability", "identity", "find_timeline"]

    private static func word(_ member: FailoverMember) async -> String {
        "\(await member.health.first { if case .unavailable = $0 { true } else { false } })"
    }

    @Test(arguments: [true, false])
    func newConnectionsThatEndAtTwoServersWriteAtNeither(primaryFirst: Bool) async throws {
        try await Self.with { site, address, peer, member in
            try await Self.promote(site, member)
            let both = [site.primary.port, site.standby.port]
            address.lead(primaryFirst ? both : both.reversed(), to: site.standby.port)
            for connection in peer.connections { connection.interrupt() }
            // Whoever asks finds that its connection has ended.
            _ = try? await member.ledger.lookUp(Sample.arrival("job-2"), at: Sample.start)
            let word = await Self.word(member)
            #expect(word.contains("connections end at two servers, on timelines"), "\(word)")
            try await Self.expectComparison(site, member)
            let first = Set(address.batches.map(\.connection)).sorted().prefix(2)
            #expect(
                Set(address.batches.filter { first.contains($0.connection) }.flatMap(\.statements)) == Self.looking)
        }
    }

    /// Whichever of them has moved: what is compared is compared over new ones.
    @Test(arguments: [0, 1]) func aConnectionThatHasMovedIsSeenAtTheNextHeartbeat(_ which: Int) async throws {
        try await Self.with { site, address, _, member in
            try await Self.promote(site, member)
            let lifeSigns: Set = ["find_timeline", "beat"]
            let connections = Set(
                address.batches.filter { !lifeSigns.isDisjoint(with: $0.statements) }.map(\.connection)
            ).sorted()
            try #require(connections.count == 2)
            address.lead(to: site.standby.port)
            address.move(connections[which], to: site.standby.port)
            member.ledger.drain()
            try await Self.expectComparison(site, member)
            let old = address.batches.filter { connections.contains($0.connection) }
            #expect(Set(old.flatMap(\.statements)) == ["find_timeline"])
            #expect(Set(old.map(\.port)).count == 2)
        }
    }

    /// Both have the timeline on which all is as it was, and one has not heard of the member for longer.
    @Test func aCopyOfTheDatabaseOnItsTimelineIsSeen() async throws {
        try await Self.with { site, address, peer, member in
            try await site.cutOff()
            member.ledger.drain()
            // It comes after the heartbeat.
            _ = try await member.ledger.knowsSuccess()
            try await site.standby.startAsCopy()
            address.lead([site.primary.port, site.standby.port], to: site.primary.port)
            for connection in peer.connections { connection.interrupt() }
            _ = try? await member.ledger.lookUp(Sample.arrival(), at: Sample.start)
            let word = await Self.word(member)
            #expect(word.contains("connections end at two servers, on one timeline (1)"), "\(word)")
            _ = await member.health.first { $0 == .available }
            let atTheCopy = address.batches.filter { $0.port == site.standby.port }
            #expect(Set(atTheCopy.flatMap(\.statements)) == Self.looking)
            #expect(member.ledger.counts.lostCommits == 0)
        }
    }
}
