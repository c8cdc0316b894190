import Clocks
import Jobs
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A database of a test's own, and the ledgers of several members on it.
struct SharedDatabase: Sendable {
    let server: PrivateDatabase
    let name: String

    init() async throws {
        server = try WithADatabase.server
        name = try await LedgerServer.shared.freshDatabase(on: server)
    }

    /// Leases of an hour: no test waits for the end of one, `endLeases` brings it.
    static let durations = LeaseDurations(callTimeout: .seconds(3_600))

    func join(
        _ name: String = "a", port: UInt16? = nil, durations: LeaseDurations = durations,
        adjust: (inout DatabaseLedger.Parts) -> Void = { _ in }
    ) async throws -> DatabaseLedger {
        var parts = DatabaseLedger.Parts(
            configuration: try configuration(port: port.map { Int($0) } ?? server.port), durations: durations)
        parts.batchTimeout = .seconds(60)
        // Who is slow on a busy machine is not dead: a test buries whom it wants dead.
        parts.lifetime = .seconds(600)
        adjust(&parts)
        return try await DatabaseLedger.open(parts, member: MemberDescription(name: name, version: "1"))
    }

    func configuration(port: Int, as role: String = LedgerServer.worker) throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(PostgresURL("postgresql://\(role)@127.0.0.1:\(port)/\(name)"))
        configuration.connectTimeout = .seconds(120)
        return configuration
    }

    @discardableResult
    func run(_ sql: String) async throws -> String { try await server.run(sql, database: name) }

    /// As if their time had passed.
    func endLeases() async throws {
        try await run("UPDATE leave_album.jobs SET call_until = now() - interval '1 second' WHERE call_until > now()")
        try await run(
            "UPDATE leave_album.accounts SET busy_until = now() - interval '1 second' WHERE busy_until > now()")
    }

    /// As if the others had waited for its heartbeat in vain.
    func bury(_ ledger: DatabaseLedger) async throws {
        let epoch = try #require(ledger.epoch)
        try await run("UPDATE leave_album.instances SET state = 'dead', ended = now() WHERE epoch = \(epoch)")
    }

    /// Some columns of the one job that there is.
    func job(_ columns: String) async throws -> String { try await run("SELECT \(columns) FROM leave_album.jobs") }
}

extension JobLedger {
    /// The lease of a claim, or nil if it was refused.
    func lease(
        _ arrival: Arrival = Sample.arrival(), kind: Claim.Kind = .call, isAmbiguous: Bool = false,
        decidedUnder: Int64? = nil, limits: AccountLimits? = nil
    ) async throws -> Lease? {
        var claim = Sample.claim(arrival, kind: kind, isAmbiguous: isAmbiguous)
        claim.decidedUnder = decidedUnder
        claim.limits = limits
        guard case .claimed(_, let lease) = try await self.claim(claim) else { return nil }
        return lease
    }
}
