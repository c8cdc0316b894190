import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A primary and the standby that takes its place, of a test's own.
struct FailoverSite {
    let primary: PrivateDatabase
    let standby: PrivateDatabase

    init() async throws {
        primary = try await PrivateDatabase(
            access: "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust")
        let configuration = try Self.configuration([primary.port])
        try await onThread { _ = try PostgresDeclaration.declare(configuration) }
        standby = try await PrivateDatabase(standbyOf: primary)
    }

    static func configuration(_ ports: [Int]) throws -> PostgresConfiguration {
        let hosts = ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
        var configuration = try PostgresConfiguration(
            PostgresURL("postgresql://\(PrivateDatabase.superuser)@\(hosts)/postgres"))
        configuration.connectTimeout = .seconds(120)
        return configuration
    }

    func join(
        _ name: String, knowsStandby: Bool = true, timeline: Int? = nil, grants: GrantMemory? = nil,
        adjust: (inout DatabaseLedger.Parts) throws -> Void = { _ in }
    ) async throws -> FailoverMember {
        let health = HeardHealth()
        var parts = DatabaseLedger.Parts(
            configuration: try Self.configuration([primary.port] + (knowsStandby ? [standby.port] : [])),
            durations: SharedDatabase.durations)
        parts.onHealth = { health.note($0) }
        parts.batchTimeout = .seconds(60)
        // A test buries whom it wants dead.
        parts.lifetime = .seconds(600)
        parts.lastTimeline = timeline
        parts.grants = grants
        try adjust(&parts)
        return FailoverMember(
            ledger: try await DatabaseLedger.open(
                parts, member: MemberDescription(name: name, version: "1")), health: health)
    }

    /// The standby has all that was committed so far, and nothing that comes.
    func cutOff() async throws {
        let position = try await primary.run("SELECT pg_current_wal_flush_lsn()")
        while try await standby.run("SELECT pg_last_wal_replay_lsn() >= '\(position)'") != "t" {}
        try await standby.run("ALTER SYSTEM SET primary_conninfo = ''")
        try await standby.run("SELECT pg_reload_conf()")
        while try await standby.run("SELECT count(*) FROM pg_stat_wal_receiver") != "0" {}
    }

    func failOver() async throws {
        await primary.kill()
        try await standby.run("SELECT pg_promote()")
    }

    static func with(_ body: (FailoverSite) async throws -> Void) async throws {
        let site = try await FailoverSite()
        do {
            try await body(site)
        } catch {
            await site.end()
            throw error
        }
        await site.end()
    }

    static func isComparing(_ word: LedgerHealth) -> Bool {
        if case .comparing = word { true } else { false }
    }

    func end() async {
        await primary.end()
        await standby.end()
    }
}

struct FailoverMember {
    let ledger: DatabaseLedger
    let health: HeardHealth
}
