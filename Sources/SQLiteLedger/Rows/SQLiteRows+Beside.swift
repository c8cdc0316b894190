import CSQLite
import Clocks
import Jobs
import Ledger
import Secrets

/// What is kept beside the jobs: the days' counts, the lines of their histories, the holds.
extension SQLiteRows {
    // MARK: Sums

    // With the number of its one row it is no change of many rows, which would need a journal of its own.
    private static let adding = SQL(
        """
        UPDATE tally SET entries = entries + ?1, ever = ever + ?1, open = open + ?2, ambiguous = ambiguous + ?3
        WHERE rowid = 1
        """)
    private static let removing = SQL("UPDATE tally SET entries = entries - ?1 WHERE rowid = 1")
    private static let counting = SQL(
        """
        INSERT INTO days (day, calls, probes, at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (day) DO UPDATE SET calls = calls + ?2, probes = probes + ?3
        """)
    private static let loadingCount = SQL("SELECT calls, probes FROM days WHERE day = ?1")

    func add(_ sums: LedgerSums) throws(SQLiteFault) {
        if sums.changesTally {
            let statement = try connection.statement(Self.adding)
            statement.bind(1, sums.added).bind(2, sums.open).bind(3, sums.ambiguous)
            try statement.run()
        }
        for (day, (count, at)) in sums.days {
            let statement = try connection.statement(Self.counting)
            statement.bind(1, day).bind(2, count.calls).bind(3, count.albumQueries).bind(4, at)
            try statement.run()
        }
    }

    /// Of jobs that have ended.
    func countRemoved(_ jobs: Int) throws(SQLiteFault) {
        let statement = try connection.statement(Self.removing)
        statement.bind(1, jobs)
        try statement.run()
    }

    func count(of day: String) throws(SQLiteFault) -> DayCount {
        let statement = try connection.statement(Self.loadingCount)
        defer { statement.reset() }
        statement.bind(1, day)
        return try statement.step()
            ? DayCount(calls: statement.int(0), albumQueries: statement.int(1)) : DayCount(calls: 0, albumQueries: 0)
    }

    // MARK: Histories

    /// More than the retry ladder has rungs; a job that flaps keeps its newest.
    static let lineCapacity = 64

    private static let selectNewestLine = SQL(
        "SELECT number, (SELECT max(line) FROM history WHERE job = jobs.number) FROM jobs WHERE job_id = ?1")
    private static let addingLine = SQL(
        "INSERT INTO history (job, line, at, generation, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
    private static let trimming = SQL("DELETE FROM history WHERE job = ?1 AND line <= ?2")
    private static let loadingHistory = SQL(
        "SELECT at, generation, kind, detail FROM history WHERE job = ?1 ORDER BY line")

    func add(_ event: JobEvent) throws(SQLiteFault) {
        // Without a row of the job there is nothing to add to: the line would be left behind when jobs are pruned.
        let newest = try connection.query(Self.selectNewestLine, bind: { $0.bind(1, event.jobID.utf8) }) {
            row throws(SQLiteFault) in
            (job: row.int(0), line: row.int(1))
        }
        guard let (job, last) = newest.first else { return }
        let line = last + 1
        let addition = try connection.statement(Self.addingLine)
        addition.bind(1, job).bind(2, line).bind(3, event.at).bind(4, event.generation)
            .bind(5, event.kind).bind(6, DetailText.scrubbed(event.detail))
        try addition.run()
        guard line > Self.lineCapacity else { return }
        let trim = try connection.statement(Self.trimming)
        trim.bind(1, job).bind(2, line - Self.lineCapacity)
        try trim.run()
    }

    func history(of row: LedgerRow) throws(SQLiteFault) -> [JobEvent] {
        try connection.query(Self.loadingHistory, bind: { $0.bind(1, row.number) }) { line throws(SQLiteFault) in
            JobEvent(
                jobID: row.jobID, generation: line.int(1), at: line.time(0), kind: line.text(2) ?? "",
                detail: line.text(3) ?? "")
        }
    }

    // MARK: Holds

    private static let savingHold = SQL(
        """
        INSERT INTO holds (cause, since, until, detail) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (since, cause) DO UPDATE SET until = ?3, detail = ?4
        """)
    private static let loadingHolds = SQL(
        """
        SELECT cause, since, until, detail FROM holds WHERE (until IS NULL OR until > ?1) AND since < ?2
        ORDER BY since, cause
        """)

    func save(_ hold: HoldRecord) throws(SQLiteFault) {
        let statement = try connection.statement(Self.savingHold)
        statement.bind(1, hold.cause.rawValue).bind(2, hold.since).bind(3, hold.until)
            .bind(4, DetailText.scrubbed(hold.detail))
        try statement.run()
    }

    /// Holds that lasted at some time between the two. Causes of a newer program are left out.
    func holds(from start: Timestamp, to end: Timestamp) throws(SQLiteFault) -> [HoldRecord] {
        try connection.query(Self.loadingHolds, bind: { $0.bind(1, start).bind(2, end) }) { row throws(SQLiteFault) in
            HoldCause(rawValue: row.text(0) ?? "").map {
                HoldRecord(cause: $0, since: row.time(1), until: row.timeIfAny(2), detail: row.text(3) ?? "")
            }
        }.compactMap { $0 }
    }

    // MARK: Meta

    enum MetaName: String {
        case lastBackup = "last_backup"
        case created
    }

    func setMeta(_ name: MetaName, to time: Timestamp) throws(SQLiteFault) {
        let statement = try connection.statement(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")
        statement.bind(1, name.rawValue).bind(2, time)
        try statement.run()
    }

    func meta(_ name: MetaName) throws(SQLiteFault) -> Timestamp? {
        let statement = try connection.statement("SELECT value FROM meta WHERE name = ?1")
        defer { statement.reset() }
        statement.bind(1, name.rawValue)
        return try statement.step() ? statement.time(0) : nil
    }

    // MARK: Space

    /// As much as a large batch appends.
    private static let spaceProof = 256 << 10

    /// Fails if there is no space for a batch. A commit without a change would succeed on a full disk.
    func proveSpace() throws(SQLiteFault) {
        try connection.execute("INSERT INTO probe VALUES (zeroblob(\(Self.spaceProof))); DELETE FROM probe")
    }
}
