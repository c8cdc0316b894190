import Clocks
import Jobs

/// Whether the API fails for everybody: opens at half of at least twenty calls in half a minute, or at five failures
/// in a row of three jobs and two accounts. Five in a row of one account alone are that account's, and it waits.
/// Refusals and throttling never count: who refuses is there.
struct CircuitBreaker: Sendable {
    /// What one call says of the API's health.
    enum Sign: Equatable, Sendable {
        case healthy
        /// No connection: nothing that a job is could have been the reason.
        case unsent
        /// Something was sent, and no whole answer came.
        case noAnswer
        /// 5xx.
        case serverFault
    }

    static let inARow = 5
    /// Jobs of a row that opens the breaker: one may be at fault itself, two by accident. Unsent calls need none.
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
    /// Jobs of the present row of failures, at most `inARow` of them.
    private var jobs: Set<JobID> = []
    private var accounts: Set<AccountID> = []

    enum Classification: Equatable {
        /// The breaker stays closed.
        case nobodys
        /// The breaker opens and its counts begin anew. The jobs are those of the row that opened it.
        case systemic(Set<JobID>)
        /// Only this account's calls have failed since the last that did not: the account waits.
        case accounts
    }

    /// Notes a call.
    mutating func note(_ sign: Sign, of job: JobID, _ account: AccountID, at now: MonotonicTime) -> Classification {
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
            return .systemic(jobs)
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
