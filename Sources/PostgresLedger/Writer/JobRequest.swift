import Clocks
import Jobs
import Ledger

/// What is asked of the ledger about one job.
indirect enum JobRequest: Sendable {
    case lookUp(Arrival, Timestamp)
    case claim(Claim)
    case record(Record, Lease?, isUnheard: Bool, Timestamp)
    case withdraw(Lease, JobID, Claim.Kind, day: String, Timestamp)
    case mark(PublishedPart, JobID, generation: Int)
    case cancel(JobID, Timestamp)
    case cancelForGood(JobID, newest: Int?, Timestamp)
    case finishLost(OverdueJob, StoredResult, Timestamp)
    case finishCancelled(CancelledJob, StoredResult, Timestamp)
    /// The API has refused the account for its rate.
    case refuse(AccountID, AccountWaitCause, atLeast: Duration, Timestamp)

    /// For an account a name that no job has, since ids of jobs have no zero byte.
    var jobID: JobID {
        switch self {
        case .lookUp(let arrival, _): arrival.jobID
        case .claim(let claim): claim.arrival.jobID
        case .record(let record, _, _, _): record.arrival.jobID
        case .withdraw(_, let id, _, _, _), .mark(_, let id, _), .cancel(let id, _), .cancelForGood(let id, _, _): id
        case .finishLost(let job, _, _): job.jobID
        case .finishCancelled(let job, _, _): job.jobID
        case .refuse(let account, _, _, _): JobID(utf8: [0] + account.utf8)
        }
    }

    /// The asker's clock. Whatever time has passed since is the database's word.
    var now: Timestamp? {
        switch self {
        case .lookUp(_, let now), .record(_, _, _, let now), .withdraw(_, _, _, _, let now), .cancel(_, let now),
            .cancelForGood(_, _, let now), .finishLost(_, _, let now), .finishCancelled(_, _, let now),
            .refuse(_, _, _, let now):
            now
        case .claim(let claim): claim.at
        case .mark: nil
        }
    }

    /// Whether anything is decided: that the broker has a result is noted whatever the ledger knows of the job.
    var needsJob: Bool {
        switch self {
        case .mark(.result, _, _): false
        case .mark(.copy, _, _), .mark(.deadLetter, _, _), .lookUp, .claim, .record, .withdraw, .cancel, .cancelForGood,
            .finishLost, .finishCancelled, .refuse:
            true
        }
    }

    /// Whether the decision may rest on results that are stored.
    var needsResults: Bool {
        switch self {
        case .lookUp, .claim, .cancelForGood: true
        case .record, .withdraw, .mark, .cancel, .finishLost, .finishCancelled, .refuse: false
        }
    }

    /// The account whose slots the decision may rest on. That of a withdrawal is its job's.
    var account: AccountID? {
        switch self {
        case .claim(let claim): claim.kind == .call && claim.limits != nil ? claim.arrival.account : nil
        case .record(let record, let lease, _, _): lease == nil ? nil : record.arrival.account
        case .refuse(let account, _, _, _): account
        case .lookUp, .withdraw, .mark, .cancel, .cancelForGood, .finishLost, .finishCancelled: nil
        }
    }

    /// The day of which it counts a call, or takes one back: a row of the member's.
    var countedDay: String? {
        switch self {
        case .claim(let claim): claim.day
        case .withdraw(_, _, _, let day, _): day
        case .lookUp, .record, .mark, .cancel, .cancelForGood, .finishLost, .finishCancelled, .refuse: nil
        }
    }

    /// The day of which it takes an allotted call.
    var allottedDay: String? {
        if case .claim(let claim) = self, claim.allottedTo != nil { claim.day } else { nil }
    }

    var isWithdrawal: Bool { if case .withdraw = self { true } else { false } }

    var needsRedrives: Bool {
        switch self {
        case .cancelForGood: true
        case .lookUp, .claim, .record, .withdraw, .mark, .cancel, .finishLost, .finishCancelled, .refuse: false
        }
    }

    /// Whether it stays first in line while the database is away, since it cannot be repeated.
    var isKeptWhileDegraded: Bool {
        switch self {
        case .record, .withdraw, .mark: true
        case .lookUp, .claim, .cancel, .cancelForGood, .finishLost, .finishCancelled, .refuse: false
        }
    }
}

/// What is answered once it is durable.
enum JobAnswer: Equatable, Sendable {
    case found(LookupResult)
    case refused(LookupResult)
    /// The send window is the batch's that proved it.
    case claimed(OpenJob, fence: Int64, isFirstCall: Bool, slot: AccountSlot.Taken?)
    case busy(AccountBusy)
    case notAllotted
    case recorded(Recorded)
    case done
    case isDone(Bool)
    case cancelled(CancelAnswer)
    case waits(until: Timestamp)
    case failed(LedgerError)
}
