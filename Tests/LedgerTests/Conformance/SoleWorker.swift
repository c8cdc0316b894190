import Clocks
import Concurrency
import Jobs
import LedgerDatabase
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// The suites whose tests may ask for a ledger in PostgreSQL: while they run there is a server.
struct WithADatabase: SuiteTrait, TestScoping {
    @TaskLocal static var running: PrivateDatabase?

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await LedgerServer.shared.with { server in
            try await Self.$running.withValue(server) { try await function() }
        }
    }

    static var server: PrivateDatabase {
        get throws { try #require(running, "the suite has the trait .withADatabase") }
    }
}

extension Trait where Self == WithADatabase {
    static var withADatabase: Self { Self() }
}

extension DatabaseLedger {
    /// A member with a database of its own, whose leases end at once: for tests of a single worker, to which nobody is
    /// a danger.
    static func opened(
        clock: (any TimeSource)? = nil, onBehind: @escaping @Sendable (Arrival) -> Void = { _ in }
    ) async throws -> DatabaseLedger {
        let server = try WithADatabase.server
        let database = try await LedgerServer.shared.freshDatabase(on: server)
        var parts = Parts(
            configuration: try LedgerServer.configuration(of: server, database: database),
            durations: LeaseDurations(sendWindow: .zero, callTimeout: .seconds(-3_600), grace: .zero))
        parts.writtenTime = clock
        parts.onBehind = onBehind
        parts.batchTimeout = .seconds(60)
        return try await open(parts, member: MemberDescription(name: "test", version: "1"))
    }
}

/// A shared ledger as its only worker would see it that has no leases: what it claimed last is what it records.
final class SoleWorker: LedgerWrapper {
    let inner: DatabaseLedger
    // Written by each claim, read by each record; under the lock.
    private let leases = Lock<[JobID: Lease]>([:])

    init(_ inner: DatabaseLedger) {
        self.inner = inner
    }

    private func own(_ lease: Lease, of id: JobID) -> Lease {
        guard let known = leases.withLock({ $0[id] }) else { return lease }
        return Lease(fence: known.fence, beginsBefore: known.beginsBefore, isFirstCall: lease.isFirstCall)
    }

    func claim(_ claim: Claim) async throws(LedgerError) -> ClaimAnswer {
        switch try await inner.claim(claim) {
        case .claimed(let open, let lease):
            leases.withLock { $0[claim.arrival.jobID] = lease }
            return .claimed(open, .sole(isFirstCall: lease.isFirstCall))
        case .refused(let lookup): return .refused(lookup)
        case .busy(let busy): return .busy(busy)
        case .notAllotted: return .notAllotted
        }
    }

    func record(_ record: Record, under lease: Lease?, isUnheard: Bool) async throws(LedgerError) -> Recorded {
        let lease = lease.map { own($0, of: record.arrival.jobID) }
        return try await inner.record(record, under: lease, isUnheard: isUnheard)
    }

    func withdraw(
        _ lease: Lease, of jobID: JobID, kind: Claim.Kind, day: String
    ) async throws(LedgerError) {
        try await inner.withdraw(own(lease, of: jobID), of: jobID, kind: kind, day: day)
    }
}
