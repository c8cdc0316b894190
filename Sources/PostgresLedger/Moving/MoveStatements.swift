import Clocks
import Ledger

/// What a move asks of a database besides the jobs, and changes of it.
enum MoveStatements {
    /// Of the row of `cluster`: nobody may work on this ledger.
    static let forbidsUse =
        "(move LIKE '\(MoveMark.State.arriving.rawValue) %' OR move LIKE '\(MoveMark.State.left.rawValue) %')"

    /// Keeps out whoever would join, until the transaction ends, and then refuses who works.
    static func demandNobody(_ transfer: inout PostgresTransfer) throws(PostgresError) {
        let members = try transfer.run(
            """
            SELECT name, epoch FROM leave_album.instances WHERE \(MemberStatements.isLive) AND alive_until >= now()
            ORDER BY epoch
            """)
        var names: [String] = []
        do throws(PostgresDecodingError) {
            for row in 0..<members.count { names.append("\(try members.value(row, 0, as: String.self))") }
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
        guard names.isEmpty else {
            throw transfer.refusal(
                "daemons work on it (\(names.joined(separator: ", ")))",
                "stop them; one that was killed counts as dead after \(MemberStatements.lifetime.inSeconds) s")
        }
    }

    /// Whoever is overdue may come back, and then joins anew or not at all.
    static func bury(_ transfer: inout PostgresTransfer) throws(PostgresError) {
        try transfer.run(
            """
            UPDATE leave_album.instances SET state = 'dead', ended = now()
            WHERE \(MemberStatements.isLive) AND alive_until < now()
            """)
    }

    /// While a mark forbids it, programs that know no marks are refused for their version. After it those are let in that
    /// the schema's steps let in; of steps that this program does not know, those that were let in before.
    private static func compatibility(_ mark: MoveMark) -> String {
        switch mark.state {
        case .arriving, .left: "greatest(compatible_with, \(PostgresSchema.knowsMoves))"
        case .leaving, .arrived: "coalesce(($3::int[])[schema], compatible_with)"
        }
    }

    /// Replaces the mark that was read. Whoever finds another one is not alone.
    static func set(
        _ mark: MoveMark, over old: MoveMark?, _ transfer: inout PostgresTransfer
    ) throws(PostgresError) {
        let steps = PostgresSchema.steps
        let oldest = steps.indices.map { Int32?(Int32(clamping: steps.oldest(after: $0 + 1))) }
        let written = try transfer.run(
            """
            UPDATE leave_album.cluster SET move = $1, compatible_with = \(compatibility(mark))
            WHERE move IS NOT DISTINCT FROM $2 AND $3::int[] IS NOT NULL
            """, [.value(mark.text), .value(old?.text), .array(oldest)])
        guard written.affected == 1 else {
            throw transfer.refusal("another `ledger migrate` is at it", "end one of the two, and run the other again")
        }
    }

    static func read(_ transfer: inout PostgresTransfer) throws(PostgresError) -> MoveMark? {
        let rows = try transfer.run("SELECT move FROM leave_album.cluster")
        do throws(PostgresDecodingError) {
            return try rows.valueIfAny(0, 0).flatMap(MoveMark.init(text:))
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
    }

    static func now(_ transfer: inout PostgresTransfer) throws(PostgresError) -> Timestamp {
        let rows = try transfer.run("SELECT clock_timestamp()")
        do throws(PostgresDecodingError) {
            return try rows.time(0, 0)
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
    }

    // MARK: Beside the jobs

    static func beside(_ transfer: inout PostgresTransfer) throws(PostgresError) -> MovedBeside {
        let days = try transfer.run("SELECT day, calls, probes, at FROM leave_album.day_shares")
        let holds = try transfer.run("SELECT cause, since, until, detail FROM leave_album.hold_records")
        let created = try transfer.run("SELECT created FROM leave_album.cluster")
        var beside = MovedBeside()
        do throws(PostgresDecodingError) {
            beside.createdAt = try created.time(0, 0)
            for row in 0..<days.count {
                beside.add(
                    MovedBeside.Day(
                        calls: try days.long(row, 1), albumQueries: try days.long(row, 2), at: try days.time(row, 3)),
                    of: try days.value(row, 0))
            }
            for row in 0..<holds.count {
                beside.add(
                    MovedBeside.Hold(cause: try holds.value(row, 0), since: try holds.time(row, 1)),
                    MovedBeside.HoldEnd(until: try holds.timeIfAny(row, 2), detail: try holds.value(row, 3)))
            }
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
        return beside
    }

    /// What was counted counts as allotted too: of a day that runs nobody is given it once more. Nobody has that epoch.
    static func add(_ beside: MovedBeside, _ transfer: inout PostgresTransfer) throws(PostgresError) {
        for (name, day) in beside.days.sorted(by: { $0.key < $1.key }) {
            try transfer.run(
                """
                INSERT INTO leave_album.day_shares (day, epoch, calls, probes, allotted, at)
                VALUES ($1, 0, $2, $3, $2 + $3, $4) ON CONFLICT (day, epoch) DO UPDATE
                SET calls = excluded.calls, probes = excluded.probes, allotted = excluded.allotted, at = excluded.at
                """,
                [
                    .value(name), .value(Int64(day.calls)), .value(Int64(day.albumQueries)),
                    .value(PostgresTime(day.at)),
                ])
        }
        for (hold, end) in beside.holds {
            try transfer.run(
                """
                INSERT INTO leave_album.hold_records (cause, since, epoch, until, detail) VALUES ($1, $2, 0, $3, $4)
                ON CONFLICT (since, cause, epoch) DO UPDATE SET until = excluded.until, detail = excluded.detail
                """,
                [
                    .value(hold.cause), .value(PostgresTime(hold.since)), .value(end.until.map { PostgresTime($0) }),
                    .value(end.detail),
                ])
        }
        if let created = beside.createdAt {
            try transfer.run(
                "UPDATE leave_album.cluster SET created = least(created, $1)", [.value(PostgresTime(created))])
        }
    }

    static func counts(_ transfer: inout PostgresTransfer) throws(PostgresError) -> MoveCounts {
        let rows = try transfer.run(
            """
            SELECT (SELECT count(*) FROM leave_album.jobs), (SELECT count(*) FROM leave_album.results),
            (SELECT count(*) FROM leave_album.history)
            """)
        do throws(PostgresDecodingError) {
            return MoveCounts(jobs: try rows.long(0, 0), results: try rows.long(0, 1), lines: try rows.long(0, 2))
        } catch {
            throw transfer.failure(.fault, "\(error)")
        }
    }
}
