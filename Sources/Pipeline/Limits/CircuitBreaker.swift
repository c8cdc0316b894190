import Jobs
import Threads

/// Whether the API fails for everybody: opens at half of at least twenty calls in half a minute, or at five failures
/// in a row of three jobs and two accounts. Five in a row of one account alone are that account's, and it waits.
/// Refusals and throttling never count: who refuses is there.
struct CircuitBreaker: Sendable {
    /// What one call says of the API's health.
    enum Sign: Equatable, Sendable {
        case healthy
        /// No connection: nothing that a job is could have been the reason.
        case unsent
        /// It was sent, and no answer came whole.
        case noAnswer
        /// 5xx.
        case serverFault
    }

    static let inARow = 5
    /// One job may be at fault by itself, two by accident; with no connection at all nobody is.
    static let jobsInARow = 3
    static let accountsInARow = 2
    static let span = Duration.seconds(30)
    static let callsInSpan = 20

    private struct Second {
        var number: Int64
        var calls = 0
        var faults = 0
    }

    private var seconds: [Second] = []
    private var row = 0
    private var unsent = 0
    /// Of the row, as many as it takes.
    private var jobs: Set<JobID> = []
    private var accounts: Set<AccountID> = []

    enum Ruling: Equatable {
        /// It stays closed.
        case nobodys
        /// It opens, and begins anew. These jobs failed in a row before.
        case everybodys(Set<JobID>)
        /// Only this account's calls have failed since the last that did not: the account waits.
        case accounts
    }

    /// Notes a call.
    mutating func note(_ sign: Sign, of job: JobID, _ account: AccountID, at now: MonotonicTime) -> Ruling {
        let isFault = sign != .healthy
        count(isFault: isFault, at: now)
        guard isFault else {
            (row, unsent, jobs, accounts) = (0, 0, [], [])
            return .nobodys
        }
        row += 1
        unsent = sign == .unsent ? unsent + 1 : 0
        if jobs.count < Self.inARow { jobs.insert(job) }
        if accounts.count < Self.accountsInARow { accounts.insert(account) }
        let calls = seconds.reduce(0) { $0 + $1.calls }
        let faults = seconds.reduce(0) { $0 + $1.faults }
        let isOfSeveral = jobs.count >= Self.jobsInARow && accounts.count >= Self.accountsInARow
        if unsent >= Self.inARow || (row >= Self.inARow && isOfSeveral)
            || (calls >= Self.callsInSpan && faults * 2 >= calls)
        {
            defer { self = CircuitBreaker() }
            return .everybodys(jobs)
        }
        guard row >= Self.inARow, accounts.count == 1 else { return .nobodys }
        // Who fails next counts with it, should it be another account.
        row = 0
        return .accounts
    }

    private mutating func count(isFault: Bool, at now: MonotonicTime) {
        let number = (now - MonotonicTime(nanoseconds: 0)).components.seconds
        seconds.removeAll { number - $0.number >= Self.span.components.seconds }
        if seconds.last?.number != number { seconds.append(Second(number: number)) }
        seconds[seconds.count - 1].calls += 1
        if isFault { seconds[seconds.count - 1].faults += 1 }
    }
}
