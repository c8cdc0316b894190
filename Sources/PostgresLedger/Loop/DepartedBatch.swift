import Clocks
import Jobs

/// A batch on its way to the database.
struct DepartedBatch {
    let outgoing: Outgoing
    /// When what it decides was begun: a claim's send window counts from then.
    let asked: MonotonicTime
    let departed: MonotonicTime

    /// Whether it has nothing but decisions about jobs: nothing else departs beside another batch.
    var isOfJobs: Bool { outgoing.sent.lines.isEmpty && outgoing.sent.queries.isEmpty }
}

/// One of the connections for jobs. Each has one batch at a time.
final class WriterConnection {
    var open: PostgresConnection
    var batch: DepartedBatch?
    /// When it was last asked anything.
    var usedAt: MonotonicTime

    init(_ open: consuming PostgresConnection, at now: MonotonicTime) {
        self.open = open
        usedAt = now
    }
}

/// What batches under way may change, so that no other batch decides about it before they have landed: what is known of it is
/// what the newest landed batch has left.
///
/// The statements would not write what another batch has changed meanwhile; but each job's requests keep their order, and
/// what two batches of one member lock would make one wait for the other in the database.
struct ClaimedKeys: Equatable, Sendable {
    private(set) var jobs: Set<JobID> = []
    private(set) var accounts: Set<AccountID> = []
    private(set) var days: Set<String> = []

    var isEmpty: Bool { jobs.isEmpty && accounts.isEmpty && days.isEmpty }

    init() {}

    mutating func add(_ portion: PostgresBacklog.Portion, changing accounts: [AccountID]) {
        for request in portion.requests.lazy.map(\.request) {
            jobs.insert(request.jobID)
            if let account = request.account { self.accounts.insert(account) }
            if let day = request.countedDay { days.insert(day) }
        }
        self.accounts.formUnion(accounts)
    }

    /// Whatever comes later on the same job waits with what waits.
    mutating func add(waiting job: JobID) { jobs.insert(job) }

    func holdUp(_ request: JobRequest) -> Bool {
        jobs.contains(request.jobID) || request.account.map(accounts.contains) ?? false
            || request.countedDay.map(days.contains) ?? false
    }
}
