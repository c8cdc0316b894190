import Clocks
import Jobs
import Ledger

/// What the database has of one job: its row, the cancel that the row remembers, and those of its results that were asked
/// for. The lease in it is by the database's clock, the other times by that of whoever wrote them.
struct StoredJob: Equatable, Sendable {
    /// Nil: the ledger has not met the job. There may be a row of the table all the same, for a cancel that came first.
    var row: LedgerRow?
    var cancellation: Cancellation?
    /// Of the row of the table: each change raises it. 0: there is no such row.
    var revision = 0
    /// By their generation, as far as they were asked for.
    var results: [Int: ResultRecord] = [:]
    /// Whether an operator gave the row's generation out again, if that was asked for.
    var wasRedriven = false
    /// Whether the process that claimed last is known to have ended.
    var ownerHasEnded = false

    /// Whether this is what `other` was meant to be, whatever happened beside it to results that were there before.
    func isWhatWasMeant(_ other: StoredJob, results generations: [Int]) -> Bool {
        revision == other.revision && row == other.row && cancellation == other.cancellation
            && generations.allSatisfy { results[$0]?.result == other.results[$0]?.result }
    }
}

/// What was read at the beginning of a batch.
struct LoadedJobs: Sendable {
    /// The database's clock at the reading.
    var now: Timestamp
    /// Those of which it has anything.
    var jobs: [JobID: StoredJob]
    /// By the accounts that claims, records and withdrawals are about.
    var slots: [AccountID: [AccountSlot]] = [:]
    /// By the day: how many calls this member may still claim of those that it was allotted.
    var left: [String: Int] = [:]
    /// Of this process; nil: it is no member, or the table has forgotten it.
    var memberState: ClusterMember.State?
    /// Those that were not read.
    private(set) var guessed: Set<JobID> = []
    /// Whether `now` is a guess, too: nothing was read at all.
    private(set) var clockIsGuessed = false
    private var readAccounts: Set<AccountID> = []

    init(
        now: Timestamp, jobs: [JobID: StoredJob], slots: [AccountID: [AccountSlot]] = [:], left: [String: Int] = [:],
        memberState: ClusterMember.State? = nil
    ) {
        self.now = now
        self.jobs = jobs
        self.slots = slots
        self.left = left
        self.memberState = memberState
    }

    /// What is guessed of a batch of which nothing was read. `now`: as this process takes the database's clock to be.
    init(_ guesses: JobGuesses, now: Timestamp) {
        // A lease ends rather too late.
        self.init(now: now + JobGuesses.clockError, jobs: [:], memberState: .working)
        clockIsGuessed = true
        add(guesses)
    }

    /// What was read stands, whatever was guessed beside it.
    mutating func add(_ guesses: JobGuesses) {
        readAccounts = Set(slots.keys)
        guessed = Set(guesses.jobs.keys)
        jobs.merge(guesses.jobs) { read, _ in read }
        slots.merge(guesses.slots) { read, _ in read }
        for day in guesses.days where left[day] == nil { left[day] = Int(Int32.max) }
    }

    /// On what a claim rests that is made of this. `slots`: that the account has, if it takes one.
    func guess(of job: JobID, _ account: AccountID, slots: Int?) -> ClaimGuess? {
        guard guessed.contains(job) else { return nil }
        return ClaimGuess(at: clockIsGuessed ? now : nil, slots: readAccounts.contains(account) ? nil : slots)
    }
}
