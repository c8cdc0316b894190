import Clocks
import Jobs
import Ledger

/// A request that waits for its answer.
struct PendingRequest: Sendable {
    /// Given once in the process.
    let number: Int
    let request: JobRequest
    /// Of a claim, of the epoch that the process has. 0 for all others.
    var fence: Int64
    let reply: PostgresOperation.JobReply
    /// False: a guess of it was wrong before, and what it is about is read.
    var mayGuess = true
}

/// A day's count of one member.
struct MemberDay: Hashable, Sendable {
    let day: String
    let epoch: Int
}

/// What a batch is to make of one job, by the requests on it in their order.
struct JobPlan: Sendable {
    let jobID: JobID
    /// As it was read: the batch changes the row only if it is still that.
    let before: StoredJob
    var after: StoredJob
    /// Generations whose results come into the ledger.
    var newResults: [Int] = []
    /// Of those, in the member's outbox.
    var numbers: [Int: Int64] = [:]
    /// Generations whose results the broker has.
    var marked: [Int] = []
    var counts: [MemberDay: DayCount] = [:]
    /// What claims in it take of what the member was allotted of a day: without that they are none.
    var spending: (day: String, calls: Int)?
    var countedAt: Timestamp?
    /// Whether a claim is in it, which a process makes only while it is a member.
    var claims = false
    /// What the newest claim in it took of the account: without it the claim is none.
    var slot: SlotHold?
    /// Nil: what that claim rests on was read.
    var guess: ClaimGuess?
    /// The account whose wait it changes, and whose answer rests on that.
    var refused: AccountID?
    var takeovers = 0
    var fencedRecords = 0
    /// Proofs in it that were heard under a lease which is another's by now.
    var lateEvidence = 0
    var behind: [Arrival] = []
    var answers: [(number: Int, answer: JobAnswer)] = []

    init(_ jobID: JobID, _ before: StoredJob) {
        self.jobID = jobID
        self.before = before
        after = before
    }

    var changesRow: Bool { after.revision != before.revision }
}

/// What a batch, of which nobody knows whether it is committed, may have made of one job.
struct JobTry: Sendable {
    let after: StoredJob
    let newResults: [Int]
    let answers: [(number: Int, answer: JobAnswer)]
}
