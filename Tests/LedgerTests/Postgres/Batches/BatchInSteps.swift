import Clocks
import Concurrency
import Jobs
import PrivateDatabase
import Testing

@testable import Ledger
@testable import PostgresLedger

/// A batch of a member's as its thread makes it, but step by step: between the reading and the writing the database is a
/// test's to change.
struct BatchInSteps: Sendable {
    let database: SharedDatabase
    let ledger: DatabaseLedger
    let epoch: Int

    init() async throws {
        database = try await SharedDatabase()
        ledger = try await database.join { $0.heartbeatInterval = .seconds(3_600) }
        epoch = try #require(ledger.epoch)
    }

    /// Of the claim with that number.
    func fence(_ number: Int) -> Int64 { Int64(epoch) << 32 | Int64(1_000 + number) }

    /// Reads what the requests are about, and decides.
    func decide(_ requests: [JobRequest], most: Int = 1 << 20) async throws -> Outgoing {
        let pending = requests.enumerated().map {
            PendingRequest(number: $0.offset, request: $0.element, fence: fence($0.offset), reply: { _, _ in })
        }
        let byJob = Dictionary(grouping: pending) { $0.request.jobID }
        let ids = byJob.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var batch = PostgresBatch()
        JobLoading.add(
            ids, results: ids, redrives: [], accounts: requests.compactMap(\.account),
            withdrawn: requests.filter(\.isWithdrawal).map(\.jobID), days: requests.compactMap(\.allottedDay),
            by: AskingMember(epoch: epoch, unpublished: []), to: &batch)
        let loaded = try JobLoading.decode(try await run(batch)[...])
        var transaction = PostgresTransaction(
            loaded: loaded, durations: SharedDatabase.durations, frozenUntil: nil, epoch: epoch)
        var outgoing = Outgoing(most: most, epoch: epoch)
        for id in ids {
            let own = byJob[id] ?? []
            if outgoing.makePlace(for: own) { outgoing.add(transaction.plan(own, of: id, tries: []), own) }
        }
        // Others may work on it that know of none.
        var outbox = Outbox(owner: epoch, isUsed: false)
        outgoing.finish(
            transaction.accounts.changes, PostgresBacklog.Portion(), &outbox,
            at: MonotonicTime(nanoseconds: 0))
        return outgoing
    }

    /// Writes. What it found otherwise than it was read.
    func write(_ outgoing: Outgoing) async throws -> Set<JobID> {
        let rows = try await run(outgoing.batch)
        return try outgoing.read(rows).moved
    }

    private func run(_ batch: PostgresBatch) async throws -> [PostgresRows] { try await database.answers(to: batch) }
}

extension SharedDatabase {
    /// Over a connection of its own.
    func answers(to batch: PostgresBatch) async throws -> [PostgresRows] {
        let configuration = try configuration(port: server.port)
        return try await NativeThread.offload("test") {
            Result { () throws -> [PostgresRows] in
                var connection = try PostgresConnection.open(to: configuration.url.hosts[0], configuration)
                return try connection.run(batch, within: .seconds(60)).rows()
            }
        }.get()
    }
}
