import Clocks
import Jobs
package import Ledger

/// The ledger in a database that is moved into a file, or copied into one. All of it is read in one transaction, which
/// sees one state.
///
/// Of one that is moved nobody else writes a job or joins until that transaction ends, and it is that transaction which
/// gives the ledger up: a kill before its commit leaves everything as it was.
package final class DatabaseMoveSource: MoveSource {
    package let place: String
    package let mark: MoveMark?
    package let moveID: String
    package let size: Int
    /// What has no place in a file, for people.
    package let notMoved: [String]
    private var transfer: PostgresTransfer

    /// What the ledger is read for.
    package enum Purpose: Sendable {
        /// Nobody may be working on it. `onWait` hears how long calls that were under way may still arrive, which is
        /// waited for: a file has no place for their leases.
        case move(onWait: @Sendable (Duration) -> Void)
        /// Others go on meanwhile.
        case copy
    }

    package init(_ configuration: PostgresConfiguration, _ purpose: Purpose) throws(LedgerError) {
        let opened = try MoveConnection.open(configuration)
        let identity = opened.identity
        place = opened.place
        mark = opened.mark
        var transfer = opened.transfer()
        let found: (moveID: String, size: Int, notMoved: [String])
        do throws(PostgresError) {
            try Self.begin(purpose, &transfer)
            found = try Self.look(identity, &transfer)
        } catch {
            throw LedgerOpening.refusal(error)
        }
        moveID = mark?.state == .left ? mark?.moveID ?? found.moveID : found.moveID
        size = found.size
        notMoved = found.notMoved
        self.transfer = transfer
    }

    private static func begin(_ purpose: Purpose, _ transfer: inout PostgresTransfer) throws(PostgresError) {
        switch purpose {
        case .copy: try transfer.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
        case .move(let onWait):
            try transfer.begin("ISOLATION LEVEL REPEATABLE READ")
            // Before the first question, which is what fixes the state that is seen: so nobody is about to write.
            try transfer.run(
                """
                LOCK TABLE leave_album.jobs, leave_album.results, leave_album.history, leave_album.day_shares,
                leave_album.hold_records, leave_album.instances IN SHARE MODE
                """)
            try MoveStatements.demandNobody(&transfer)
            let rest = try leaseLeft(&transfer)
            guard rest > .zero else { return }
            onWait(rest)
            try transfer.pause(for: rest)
        }
    }

    /// How long a call of somebody who has ended may still be on its way.
    private static func leaseLeft(_ transfer: inout PostgresTransfer) throws(PostgresError) -> Duration {
        let rows = try transfer.run(
            """
            SELECT coalesce(ceil(extract(epoch FROM max(call_until) - clock_timestamp()) * 1000), 0)::bigint
            FROM leave_album.jobs
            """)
        do throws(PostgresDecodingError) {
            return .milliseconds(try rows.long(0, 0))
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
    }

    /// A member that joined, or a change of what members share, makes it another state than the one that was copied. What
    /// commands change is noticed by the comparison.
    private static func look(
        _ identity: LedgerIdentity, _ transfer: inout PostgresTransfer
    ) throws(PostgresError) -> (moveID: String, size: Int, notMoved: [String]) {
        let rows = try transfer.run(
            """
            SELECT version, coalesce((SELECT max(epoch) FROM leave_album.instances), 0),
            (SELECT count(*) FROM leave_album.jobs), (SELECT count(*) FROM leave_album.grants), shared
            FROM leave_album.cluster
            """)
        do throws(PostgresDecodingError) {
            let name = identity.ledger.prefix(8).map { String($0, radix: 16) }.joined()
            var notMoved: [String] = []
            let grants = try rows.long(0, 3)
            if grants > 0 { notMoved.append("\(grants) grants of users") }
            let state = ClusterState(json: try rows.value(0, 4), version: Int64(try rows.long(0, 0)))
            let accounts = state?.pausedAccounts.count ?? 0
            if accounts > 0 { notMoved.append("pauses of \(accounts) accounts") }
            let holds = state?.holds.keys.map(\.rawValue).sorted() ?? []
            if !holds.isEmpty { notMoved.append("holds that stand: \(holds.joined(separator: ", "))") }
            let moveID = "\(name).\(try rows.long(0, 0)).\(try rows.int(0, 1))"
            return (moveID, try rows.long(0, 2), notMoved)
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
    }

    /// Nothing: nobody can come while it is moved.
    package func begin(to place: String) throws(LedgerError) {}

    package func page(after cursor: String?, limit: Int) throws(LedgerError) -> MovePage {
        let id = cursor.map(MovePage.bytes(ofCursor:)) ?? []
        let jobs = try transfer.perform { transfer throws(PostgresError) in
            try MovedRows.load(after: id, limit: limit, &transfer)
        }
        return MovePage(jobs: jobs, cursor: MovePage.cursor(jobs.last?.jobID.utf8 ?? id))
    }

    package func beside() throws(LedgerError) -> MovedBeside {
        try transfer.perform { transfer throws(PostgresError) in try MoveStatements.beside(&transfer) }
    }

    package func leave(to place: String) throws(LedgerError) {
        let next = MoveMark(.left, moveID: moveID, place: place)
        try transfer.perform { transfer throws(PostgresError) in
            try MoveStatements.bury(&transfer)
            try MoveStatements.set(next, over: mark, &transfer)
            try transfer.commit()
        }
    }
}
