package import Clocks
package import Jobs
package import Ledger

/// The questions about a ledger, asked of a file that no daemon needs to have. Each opens it, and waits for nobody.
package struct LedgerFileReader: LedgerReading {
    private let path: String
    package let clock: any TimeSource

    package init(path: String, clock: any TimeSource = SystemTimeSource()) {
        self.path = path
        self.clock = clock
    }

    package var kind: LedgerKind { .sqlite }

    package var place: String { path }

    package func count(of day: String) async throws(LedgerError) -> DayCount {
        try LedgerReader(path: path).count(of: day)
    }

    package func statistics() async throws(LedgerError) -> LedgerStatistics {
        try LedgerReader(path: path).statistics(at: clock.wall())
    }

    package func statuses(of ids: [JobID]) async throws(LedgerError) -> [JobStatus] {
        try LedgerReader(path: path).statuses(of: ids)
    }

    package func history(of id: JobID) async throws(LedgerError) -> JobRecord? {
        try LedgerReader(path: path).history(of: id)
    }

    package func holds(from start: Timestamp, to end: Timestamp) async throws(LedgerError) -> [HoldRecord] {
        try LedgerReader(path: path).holds(from: start, to: end)
    }

    package func results(
        since time: Timestamp, after last: ResultCursor?, limit: Int
    ) async throws(LedgerError) -> [UnpublishedResult] {
        try LedgerReader(path: path).results(since: time, after: last, limit: limit)
    }

    package func results(of id: JobID) async throws(LedgerError) -> [StoredResult] {
        try LedgerReader(path: path).results(of: id)
    }

    package func verify() async throws(LedgerError) -> [String] { try LedgerReader(path: path).faults() }

    package func members() async throws(LedgerError) -> [ClusterMember] { [] }

    package func backUp(to target: String) async throws(LedgerError) {
        try LedgerReader(path: path).backUp(to: target)
    }
}
