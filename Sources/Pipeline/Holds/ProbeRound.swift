import Clocks
import Jobs

/// One round of probing: jobs that have not failed in the hold, one after another, each of another account where there
/// is one, until one lifts it.
struct ProbeRound: Sendable {
    private let limit: Int
    /// When its first job was tried: a round waits for one.
    private var began: MonotonicTime?
    private var tried: Set<JobID> = []
    private var accounts: Set<AccountID> = []
    private var isConclusive = false
    /// The latest delivery or answer.
    private var lastHeard: MonotonicTime
    /// Longest wait that an answer of this round has named before the next call.
    private(set) var leastWait = Duration.zero

    init(limit: Int, at now: MonotonicTime) {
        self.limit = limit
        lastHeard = now
    }

    /// A delivery came that may be tried.
    mutating func heard(at now: MonotonicTime) { lastHeard = now }

    mutating func chose(_ account: AccountID, at now: MonotonicTime) {
        accounts.insert(account)
        began = began ?? now
    }

    func hasTried(_ account: AccountID) -> Bool { accounts.contains(account) }

    /// A job was tried and lifted nothing. `isConclusive`: another one would fare no better. True if it is the first
    /// word of that job.
    mutating func tried(_ job: JobID, isConclusive: Bool, atLeast wait: Duration?, at now: MonotonicTime) -> Bool {
        lastHeard = now
        self.isConclusive = self.isConclusive || isConclusive
        leastWait = max(leastWait, wait ?? .zero)
        return tried.insert(job).inserted
    }

    /// Whether it tries no more. A round in which nothing came to be tried waits for the first job. `hasUntried`: one
    /// that has not failed is in flight; that the worker is slow is no sign that none is left.
    func isOver(hasUntried: Bool, at now: MonotonicTime) -> Bool {
        guard !tried.isEmpty else { return false }
        return isConclusive || tried.count >= limit || remaining(at: now) == .zero
            || (isQuiet(at: now) && !hasUntried)
    }

    /// Nothing that has not failed yet comes any more: one that has may be tried, if none was in this round.
    func takesFailed(at now: MonotonicTime) -> Bool { tried.isEmpty && isQuiet(at: now) }

    /// When it is to be looked at again though nothing happens.
    func nextCheck(at now: MonotonicTime) -> MonotonicTime? {
        let times = [lastHeard + ProbePlan.quiet] + (!tried.isEmpty ? [now + remaining(at: now)] : [])
        return times.filter { $0 > now }.min()
    }

    /// What is left of it at the most.
    func remaining(at now: MonotonicTime) -> Duration {
        max(.zero, (began ?? now) + ProbePlan.longestRound - now)
    }

    private func isQuiet(at now: MonotonicTime) -> Bool { now - lastHeard >= ProbePlan.quiet }
}
