import Clocks
package import Jobs
package import Ledger

/// The ledger in a database that is made of a file. Until it is whole its mark keeps every daemon and command out.
///
/// A page of jobs and the word of how far it goes are one commit, so that a kill at any time leaves both or neither.
package final class DatabaseMoveTarget: MoveTarget {
    package let place: String
    package private(set) var mark: MoveMark?
    private var transfer: PostgresTransfer
    private let lease: Duration

    /// - Parameter durations: of the calls of whoever worked on the file: one that was under way may still arrive.
    package init(_ configuration: PostgresConfiguration, durations: LeaseDurations) throws(LedgerError) {
        let opened = try MoveConnection.open(configuration)
        place = opened.place
        mark = opened.mark
        lease = durations.callTimeout + durations.grace
        transfer = opened.transfer()
    }

    package func begin(_ moveID: String, from place: String, beginsAnew: Bool) throws(LedgerError) {
        let old = mark
        let next = MoveMark(.arriving, moveID: moveID, place: place)
        try perform { transfer throws(PostgresError) in
            try transfer.run("LOCK TABLE leave_album.instances IN SHARE MODE")
            try MoveStatements.demandNobody(&transfer)
            try MoveStatements.bury(&transfer)
            try MoveStatements.set(next, over: old, &transfer)
            try Self.empty(&transfer, throwingAway: beginsAnew && old?.state == .arriving)
        }
        mark = next
    }

    /// Throws if jobs are there that are nobody's half-made copy. Where none are, what else is there was noted by daemons
    /// that did nothing.
    private static func empty(
        _ transfer: inout PostgresTransfer, throwingAway: Bool
    ) throws(PostgresError) {
        if throwingAway {
            for table in ["history", "results", "jobs"] { try transfer.run("DELETE FROM leave_album.\(table)") }
        }
        let found = try transfer.run(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM leave_album.jobs) OR EXISTS (SELECT 1 FROM leave_album.results)")
        guard found.count == 0 else {
            throw transfer.refusal(
                "it has jobs of its own", "name a database in which `leave-albumd ledger declare` has just made one")
        }
        for table in ["hold_records", "day_shares", "days"] { try transfer.run("DELETE FROM leave_album.\(table)") }
    }

    package func add(_ page: MovePage) throws(LedgerError) {
        guard let old = mark else { preconditionFailure("what is made has a mark") }
        var next = old
        next.cursor = page.cursor
        let lease = lease
        try perform { [next] transfer throws(PostgresError) in
            let callUntil = try MoveStatements.now(&transfer) + lease
            try MovedRows.add(page.jobs, callUntil: callUntil, &transfer)
            try MoveStatements.set(next, over: old, &transfer)
        }
        mark = next
    }

    package func add(_ beside: MovedBeside) throws(LedgerError) {
        try perform { transfer throws(PostgresError) in try MoveStatements.add(beside, &transfer) }
    }

    package func load(_ ids: [JobID]) throws(LedgerError) -> [JobID: MovedJob] {
        let jobs = try transfer.perform { transfer throws(PostgresError) in
            try transfer.transaction { transfer throws(PostgresError) in try MovedRows.load(ids, &transfer) }
        }
        var found: [JobID: MovedJob] = [:]
        for job in jobs { found[job.jobID] = job }
        return found
    }

    package func beside() throws(LedgerError) -> MovedBeside {
        try transfer.perform { transfer throws(PostgresError) in try MoveStatements.beside(&transfer) }
    }

    package func counts() throws(LedgerError) -> MoveCounts {
        try transfer.perform { transfer throws(PostgresError) in
            try transfer.begin("READ ONLY")
            let counts = try MoveStatements.counts(&transfer)
            try transfer.commit()
            return counts
        }
    }

    /// One commit that is flushed is behind all that came before it.
    package func makeDurable() throws(LedgerError) {
        try perform { transfer throws(PostgresError) in
            try transfer.run(
                """
                SELECT set_config('synchronous_commit', 'on', true)
                WHERE current_setting('synchronous_commit') = 'off'
                """)
            try transfer.run("UPDATE leave_album.cluster SET move = move")
        }
    }

    package func arrive() throws(LedgerError) {
        guard let old = mark, old.state != .arrived else { return }
        let next = MoveMark(.arrived, moveID: old.moveID, place: old.place)
        try perform { transfer throws(PostgresError) in try MoveStatements.set(next, over: old, &transfer) }
        mark = next
    }

    private func perform(
        _ body: (inout PostgresTransfer) throws(PostgresError) -> Void
    ) throws(LedgerError) {
        try transfer.perform { transfer throws(PostgresError) in try transfer.transaction(body) }
    }
}
