import Clocks
import Jobs
import Ledger

/// What a batch takes for granted instead of reading it: that a job which seems to be new is, and that nothing keeps its
/// account from a call; and that a job is as this process has left it.
///
/// A guess may refuse, and never decides. The statements write only where the tables say what was guessed, and what was
/// to be answered without writing anything is decided anew by what is read.
struct JobGuesses: Sendable {
    private(set) var jobs: [JobID: StoredJob] = [:]
    /// What is known of the accounts: slots that this process has taken itself.
    private(set) var slots: [AccountID: [AccountSlot]] = [:]
    /// Of which days a call is taken. That there is one left is what the statement asks.
    private(set) var days: Set<String> = []

    /// As much as the database's clock may be ahead of what this process takes it for, or behind.
    static let clockError = Duration.milliseconds(100)

    var isEmpty: Bool { jobs.isEmpty }

    init() {}

    /// Of those among these requests of which nothing has to be read. A job of which one request needs that is read for all.
    init(_ requests: [PendingRequest], recent: RecentWrites, doubted: [JobID: [JobTry]]) {
        var read: Set<JobID> = []
        for request in requests {
            let id = request.request.jobID
            guard request.mayGuess, doubted[id] == nil, !read.contains(id), add(request.request, id, recent) else {
                jobs[id] = nil
                read.insert(id)
                continue
            }
        }
    }

    /// False: nothing can be guessed of that.
    private mutating func add(_ request: JobRequest, _ id: JobID, _ recent: RecentWrites) -> Bool {
        switch request {
        case .claim(let claim) where claim.presumesNew && recent.newest(of: id) == nil:
            jobs[id] = StoredJob()
            if claim.allottedTo != nil { days.insert(claim.day) }
            return true
        case .record(_, let lease?, _, _), .withdraw(let lease, _, _, _, _):
            guard let (job, slot) = recent.newest(of: id), let row = job.row, row.fence == lease.fence else {
                return false
            }
            jobs[id] = job
            if let slot, slot.busyFence == lease.fence, slots[row.account]?.contains(slot) != true {
                slots[row.account, default: []].append(slot)
            }
            return true
        case .mark(.copy, _, _), .mark(.deadLetter, _, _):
            guard let (job, _) = recent.newest(of: id) else { return false }
            jobs[id] = job
            return true
        case .claim, .record, .mark, .lookUp, .cancel, .cancelForGood, .finishLost, .finishCancelled, .refuse:
            return false
        }
    }
}

/// On what a claim rests that was guessed: its statement looks whether it is so.
struct ClaimGuess: Equatable, Sendable {
    /// Later than the database's clock, by less than twice `JobGuesses.clockError`. Nil: that was read.
    let at: Timestamp?
    /// So many slots the account has, none of which but those that are known was taken to be in use, and that there is no
    /// wait. Nil: the account was read.
    let slots: Int?
}

extension JobPlan {
    /// Whether all that is answered of it rests on what is written of it.
    var restsOnWriting: Bool {
        changesRow
            && answers.allSatisfy { _, answer in
                switch answer {
                case .claimed, .recorded(.copy), .done: true
                case .recorded(.alreadyEnded), .recorded(.fenced), .found, .refused, .busy, .notAllotted, .isDone,
                    .cancelled, .waits, .failed:
                    false
                }
            }
    }
}
