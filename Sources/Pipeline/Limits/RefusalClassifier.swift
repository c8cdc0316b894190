import Clocks
import Jobs

/// Whose fault a refusal is: the job's own, everybody's, or not known yet.
///
/// A success proves that the API works for others; what was refused since the last one is the evidence against it.
/// One refusal never stands for the API, and a success of before stands for it only so long: at most `threshold` - 1
/// jobs are ended between two proofs.
struct RefusalClassifier: Sendable {
    /// A proof counts for so long for what is refused after it.
    static let memory = Duration.seconds(600)
    /// Refused jobs that are remembered until a proof comes.
    private static let most = 10_000
    /// Largest threshold at which an account alone with its refusals waits from the second open job on.
    private static let quickestThreshold = 5
    private static let openJobsOfOneAccount = 2

    /// The kind of a refusal. Refusals of one cause and one threshold count together.
    struct Kind: Hashable, Sendable {
        var cause: HoldCause
        /// Number of accounts, or of jobs of several accounts, whose refusals with no proof between are systemic.
        var threshold: Int
    }

    /// A call, or a question for a token, that was refused.
    struct Refusal: Sendable {
        var job: JobID
        var account: AccountID
        /// When it began.
        var began: MonotonicTime
        var kind: Kind
        /// Whether the job was parked for this refusal as often as permitted.
        var isLast = false
        /// A hold stood: one more success is needed to show that the refusal was its own.
        var isInHold = false
    }

    /// What a job was refused for, by an unbroken row of calls.
    private struct Memory {
        var cause: HoldCause
        /// When its latest refused call began.
        var began: MonotonicTime
        /// Earlier ones that a success came after.
        var contradicted = 0
        var needed: Int
    }

    enum Classification: Equatable {
        /// The job's: what the table says of it applies.
        case own
        /// Too few calls were refused to know.
        case open
        /// No other account was called since this one's refusals began: it waits alone, and tries one job at a time.
        case accountWaits
        case systemic
    }

    /// What was refused of a kind since the last proof.
    private struct Evidence {
        var jobs: Set<JobID> = []
        /// The accounts and jobs whose calls began after the proof; the others say nothing against it.
        var accounts: Set<AccountID> = []
        var later: Set<JobID> = []
        var open: Set<JobID> = []
        /// The only account that was called since its first refusal.
        var alone: AccountID?
        /// Jobs that were ended for it, in the order of their ends.
        var ended: [JobID] = []
    }

    private var latest: (account: AccountID, time: MonotonicTime)?
    /// The latest success of an account other than `latest`'s, so that no account counts as its own other.
    private var other: (account: AccountID, time: MonotonicTime)?
    private var evidence: [Kind: Evidence] = [:]
    private var refused = BoundedTable<JobID, Memory>(most: most)
    /// No success is known of at all, not even of earlier runs: a first refusal is more likely systemic.
    var isFirstContact = false

    /// A proof: the user of `job` has left.
    mutating func succeeded(_ job: JobID, of account: AccountID, at now: MonotonicTime) {
        if let latest, latest.account != account { other = latest }
        latest = (account, now)
        evidence = [:]
        refused[job] = nil
        isFirstContact = false
    }

    /// Whether a call of another account would change anything.
    var hasAccountAlone: Bool { evidence.values.contains { $0.alone != nil } }

    /// Notes that a call of the account begins: any other account is no longer alone with its refusals.
    mutating func called(_ account: AccountID) {
        for (kind, found) in evidence where found.alone != nil && found.alone != account { evidence[kind]?.alone = nil }
    }

    /// A hold of that cause was lifted: what led to it says nothing any more.
    mutating func lifted(_ cause: HoldCause) {
        for kind in evidence.keys where kind.cause == cause { evidence[kind] = nil }
    }

    mutating func classify(_ refusal: Refusal, at now: MonotonicTime) -> Classification {
        let before = refused[refusal.job].flatMap { $0.cause == refusal.kind.cause ? $0 : nil }
        remember(refusal)
        // What was refused on both sides of a success is no evidence against the API any more.
        if let before, contradictions(of: before) > 0 {
            return contradictions(of: before) >= before.needed ? .own : repeated(refusal)
        }
        note(refusal)
        let isEnough = isFirstContact && refusal.kind.threshold == 2
        let classification =
            isEnough ? .systemic : classification(refusal, evidence[refusal.kind] ?? Evidence(), at: now)
        if classification == .systemic { refused[refusal.job]?.needed = Self.inHold }
        switch classification {
        case .own:
            if !ended(refusal.kind).contains(refusal.job) { evidence[refusal.kind]?.ended.append(refusal.job) }
        case .open, .accountWaits: evidence[refusal.kind]?.open.insert(refusal.job)
        case .systemic: break
        }
        return classification
    }

    /// Successes that must come after a job's refusals until they are its own without any doubt. In a hold many jobs
    /// are refused that have nothing to do with it, and an API that breaks twice must not end them all.
    private static let inHold = 2
    private static let outsideHolds = 1

    /// A job that was refused in a hold is refused again after one success. It ends now as far as the threshold allows,
    /// else at its last parking: by then jobs that are new to it have told whether the API broke again.
    private mutating func repeated(_ refusal: Refusal) -> Classification {
        var found = evidence[refusal.kind] ?? Evidence()
        guard refusal.isLast || found.ended.count + 1 < refusal.kind.threshold else { return .open }
        if !refusal.isLast { found.ended.append(refusal.job) }
        evidence[refusal.kind] = found
        return .own
    }

    /// Whether the job was refused, and the API has proved since that it works.
    func isOwn(_ job: JobID) -> Bool {
        guard let memory = refused[job] else { return false }
        return contradictions(of: memory) > 0
    }

    private func contradictions(of memory: Memory) -> Int {
        memory.contradicted + (latest.map { $0.time > memory.began } == true ? 1 : 0)
    }

    private mutating func remember(_ refusal: Refusal) {
        let needed = refusal.isInHold ? Self.inHold : Self.outsideHolds
        guard var memory = refused[refusal.job], memory.cause == refusal.kind.cause else {
            refused[refusal.job] = Memory(cause: refusal.kind.cause, began: refusal.began, needed: needed)
            return
        }
        memory.contradicted = contradictions(of: memory)
        memory.began = refusal.began
        memory.needed = max(memory.needed, needed)
        refused[refusal.job] = memory
    }

    /// Whether a refusal of the account counts against the API since the last proof.
    func isEvidence(_ account: AccountID, _ kind: Kind) -> Bool {
        evidence[kind]?.accounts.contains(account) ?? false
    }

    /// The jobs that were ended for refusals of the kind since the last proof.
    func ended(_ kind: Kind) -> [JobID] { evidence[kind]?.ended ?? [] }

    private mutating func note(_ refusal: Refusal) {
        var found = evidence[refusal.kind] ?? Evidence(alone: refusal.account)
        if found.alone != refusal.account { found.alone = nil }
        found.jobs.insert(refusal.job)
        if latest.map({ $0.time <= refusal.began }) ?? true {
            found.accounts.insert(refusal.account)
            found.later.insert(refusal.job)
        }
        evidence[refusal.kind] = found
    }

    private func classification(_ refusal: Refusal, _ found: Evidence, at now: MonotonicTime) -> Classification {
        let threshold = refusal.kind.threshold
        let mayEnd = found.ended.count + 1 < threshold || found.ended.contains(refusal.job)
        if isContradicted(refusal, at: now), found.jobs.count < threshold, mayEnd { return .own }
        // Few accounts that are refused job after job are as many words as many accounts.
        let isOfSeveral = found.accounts.count > 1
        if found.accounts.count >= threshold || (isOfSeveral && found.later.count >= threshold) { return .systemic }
        if found.alone == refusal.account {
            let isNew = !found.open.contains(refusal.job)
            let most = threshold > Self.quickestThreshold ? threshold : Self.openJobsOfOneAccount
            if found.open.count + (isNew ? 1 : 0) >= most || (refusal.isLast && !mayEnd) { return .accountWaits }
        }
        guard refusal.isLast else { return .open }
        return mayEnd ? .own : .systemic
    }

    /// Whether another account succeeded shortly before the refusal, or any job while the call was under way.
    private func isContradicted(_ refusal: Refusal, at now: MonotonicTime) -> Bool {
        if let latest, latest.time > refusal.began { return true }
        return [latest, other].contains { success in
            success.map { $0.account != refusal.account && now - $0.time <= Self.memory } ?? false
        }
    }
}
