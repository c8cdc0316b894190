import Clocks
import Jobs
import Ledger

/// What the members of a cluster share of the gate. See `ClusterSharing`.
extension Gate {
    /// Whether a probe may call now.
    enum ProbePermission: Equatable, Sendable {
        /// Nobody else tests what it tests.
        case notNeeded
        /// In the name of that turn, once it is renewed.
        case turn(fence: Int64)
        /// Another member's turn has come.
        case over
    }

    /// What is to be said to the other members; it is then on its way.
    mutating func takeClusterChanges() -> [ClusterChange] { heldCauses.sharing?.take() ?? [] }

    var hasClusterChanges: Bool { heldCauses.sharing.map { !$0.changes.isEmpty } ?? false }

    /// Of the shared state that was adopted last.
    var clusterVersion: Int64 { heldCauses.sharing?.version ?? 0 }

    /// A change that was taken is written, or was no news.
    mutating func answeredChange() { heldCauses.sharing?.unanswered -= 1 }

    /// Takes over what stands for all members. Returns the holds that are over by it.
    mutating func adopt(_ news: ClusterNews, at now: MonotonicTime, wall: Timestamp) -> [Hold] {
        let isAnother = heldCauses.sharing?.member != news.member
        heldCauses.sharing?.alive = news.alive
        heldCauses.sharing?.member = news.member
        defer { heldCauses.liftOrphans() }
        let isNews = heldCauses.sharing?.isSettled ?? false
        defer {
            heldCauses.sharing?.adoptParts(isNews ? news.state : nil, at: now)
            if isNews { heldCauses.sharing?.correctConsuming(news.state, isAnother: isAnother) }
        }
        guard let state = news.state else { return [] }
        let wasThrottled = holds[.rateLimited] != nil
        let gone = heldCauses.adopt(state, at: now, wall: wall)
        // The API counts the calls of all together: too many for one are too many for all.
        if !wasThrottled, holds[.rateLimited] != nil { limiter.throttle() }
        forget(gone)
        return gone
    }

    /// What was refused, or failed, and is not held for, may be everybody's with what the other members met.
    mutating func testify(
        _ call: Call, _ cause: HoldCause, _ kind: ClusterEvidence.Kind, detail: String, at now: MonotonicTime,
        wall: Timestamp
    ) {
        var threshold: Int?
        if case .refusal(let accounts) = kind { threshold = accounts }
        heldCauses.testify(
            ClusterEvidence(cause: cause, kind: kind, account: call.account, job: call.job), threshold: threshold,
            detail: detail, at: now, wall: wall)
    }

    /// The API has answered: that ends a row of failures, here and for all.
    mutating func heard(_ call: Call, at now: MonotonicTime) {
        lateCalls.sent()
        _ = breaker.note(.healthy, of: call.job, call.account, at: now)
        heldCauses.disprove(isSuccess: false)
    }

    /// This worker has its lanes, or has lost them.
    mutating func consumes(_ isSo: Bool) {
        guard let sharing = heldCauses.sharing, sharing.isConsuming != isSo else { return }
        heldCauses.sharing?.noteConsuming(isSo)
    }

    // MARK: Paused accounts

    /// What an operator says here of an account is everybody's.
    mutating func pause(_ account: AccountID) {
        guard heldCauses.sharing?.pausedAccounts.insert(account).inserted == true else { return }
        heldCauses.sharing?.changes.append(.pause(account))
    }

    /// True if it was paused for all.
    mutating func resume(_ account: AccountID) -> Bool {
        guard heldCauses.sharing?.pausedAccounts.remove(account) != nil else { return false }
        heldCauses.sharing?.changes.append(.resume(account))
        return true
    }

    // MARK: Paused members

    mutating func pause(member name: String, detail: String, wall: Timestamp) {
        heldCauses.pause(member: name, detail: detail, wall: wall)
    }

    /// True if it was paused.
    mutating func resume(member name: String) -> Bool { heldCauses.resume(member: name) }

    /// The names that an operator has paused, as far as this worker knows.
    var pausedMembers: Set<String> { Set(heldCauses.sharing?.pausedMembers.keys.map { $0 } ?? []) }

    /// Accounts that another member's operator has paused, or let go on, since this was asked last.
    mutating func takePauses() -> (begun: Set<AccountID>, ended: Set<AccountID>) {
        heldCauses.sharing?.takePauses() ?? ([], [])
    }

    /// Of how many parts of the limit of calls a second this worker has one; 0 is none yet. Nil: it has the whole.
    var rateDivisor: Int? { heldCauses.sharing.flatMap { $0.dividesRate ? $0.divisor : nil } }

    mutating func dividesRate(_ isSo: Bool) { heldCauses.sharing?.dividesRate = isSo }

    var probePermission: ProbePermission {
        guard heldCauses.needsTurn else { return .notNeeded }
        return heldCauses.sharing?.turn.map { .turn(fence: $0.fence) } ?? .over
    }

    mutating func renewedProbe(fence: Int64, until: MonotonicTime) {
        guard heldCauses.sharing?.turn?.fence == fence else { return }
        heldCauses.sharing?.turn?.until = until
    }

    mutating func refusedProbe(fence: Int64, at now: MonotonicTime) { heldCauses.refusedProbe(fence: fence, at: now) }

    /// Whether it matters that a job is in flight which may test the holds: a round is on, or is to be asked for.
    func looksForProbes(at now: MonotonicTime) -> Bool {
        if isProbing { return true }
        return heldCauses.needsTurn && heldCauses.nextProbe.map { $0 <= now } == true
    }

    /// The one that calls first after a hold lets the others follow, once there is a call for each of them.
    mutating func letOthersStart() {
        guard let sharing = heldCauses.sharing, sharing.isFirstCaller,
            limiter.window >= max(Self.firstCalls, sharing.alive.count)
        else { return }
        heldCauses.sharing?.isFirstCaller = false
        heldCauses.sharing?.changes.append(.letOthersStart)
    }

    /// One success may be an accident of the probe; the next doubles what may be in flight.
    private static let firstCalls = 2
}
