import Clocks
import Jobs
import Ledger

/// What a member of a cluster knows of the others' part in its holds and limits, and what it has yet to say to them.
///
/// A hold begins here at once and is said afterwards. It ends here only when the shared state has it no more: a probe's
/// word, or an operator's, is first written.
struct ClusterSharing: Sendable {
    /// The epoch of this member.
    var member: Int64
    /// What operators call it.
    let name: String
    /// Changes that nobody has taken yet, in their order.
    var changes: [ClusterChange] = []
    /// Changes that were taken and are not answered yet.
    var unanswered = 0
    /// Of the state that was adopted last.
    var version: Int64 = -1
    /// The members that are alive.
    var alive: Set<Int64>
    /// Who met each hold that stands for all.
    var owners: [HoldCause: Int64] = [:]
    /// The turn that this member has, as far as it knows, and when it ends.
    var turn: (fence: Int64, until: MonotonicTime)?
    /// It has asked for a turn, and was not answered yet.
    var isAsking = false
    /// It asks for no turn before: another member has it, or it was refused just now.
    var asksAgain: MonotonicTime?
    /// Holds that it takes back, and that the shared state still has.
    var lifting: Set<HoldCause> = []
    /// Holds that a probe of this member has contradicted, and that the shared state still has.
    var contradicted: Set<HoldCause> = []
    /// Another member calls first after a hold; this one begins then, or when it hears that the other has succeeded.
    var waitsForFirstCaller: MonotonicTime?
    /// It is the one that calls first.
    var isFirstCaller = false

    /// Accounts that an operator has paused, as this member works by it; and what it has yet to do for that.
    var pausedAccounts: Set<AccountID> = []
    private var begunPauses: Set<AccountID> = []
    private var endedPauses: Set<AccountID> = []
    /// Members that an operator has paused, as this one knows it.
    var pausedMembers: [String: MemberPause] = [:]
    /// It has its lanes; and whether the others know that.
    private(set) var isConsuming = false
    private var isConsumingForOthers = false

    /// Whether the shared state has evidence that a success, or a call that was heard, speaks against.
    var hasRefusals = false
    var hasFailures = false
    /// Calls a second are counted in a limit of which this member has its part.
    var dividesRate = false
    /// Of how many parts of that limit it has one; 0 is none yet.
    private(set) var divisor = 0
    /// The same, as the others know it.
    private var written = 0
    /// Members that have left their parts to the others, as all know it.
    private var withoutParts: Set<Int64> = []
    /// It asks for another part no sooner: others have to leave theirs first, or to be heard of.
    private var dividesAgain: MonotonicTime?

    /// Refused though nobody has the turn, it asks again after this, as two clocks may differ by.
    static let shortestPause = Duration.milliseconds(100)
    /// The others hear of it within that.
    private static let pauseBetweenParts = ClusterRelay.interval

    init(member: Int64, name: String) {
        self.member = member
        self.name = name
        alive = [member]
    }

    /// Whether a state that was read now contains all that this member has said.
    var isSettled: Bool { changes.isEmpty && unanswered == 0 }

    /// Whether it calls nobody yet, for another member tries first.
    func leavesTheStart(at now: MonotonicTime) -> Bool { waitsForFirstCaller.map { $0 > now } ?? false }

    /// Takes over the part that the shared state has of it, and asks for the one that it should have: a smaller one is
    /// kept to before it is written, so that the parts of all are never more than the whole. Paused by an operator, it
    /// has use for none.
    mutating func adoptParts(_ state: ClusterState?, at now: MonotonicTime) {
        if let state { (written, withoutParts) = (state.parts[member] ?? 0, state.withoutParts) }
        let sharers = alive.subtracting(withoutParts).union([member]).count
        let (isPaused, hasLeft) = (pausedMembers[name] != nil, withoutParts.contains(member))
        divisor = written == 0 || isPaused ? 0 : max(written, sharers)
        guard dividesRate, isPaused ? !hasLeft : hasLeft || written != sharers,
            dividesAgain.map({ $0 <= now }) ?? true
        else { return }
        dividesAgain = now + Self.pauseBetweenParts
        changes.append(isPaused ? .leaveParts : .divide)
    }

    /// Takes over which accounts are paused.
    mutating func adoptPauses(_ paused: Set<AccountID>) {
        begunPauses.formUnion(paused.subtracting(pausedAccounts))
        endedPauses.formUnion(pausedAccounts.subtracting(paused))
        pausedAccounts = paused
    }

    mutating func takePauses() -> (begun: Set<AccountID>, ended: Set<AccountID>) {
        defer { (begunPauses, endedPauses) = ([], []) }
        return (begunPauses, endedPauses)
    }

    /// It has its lanes, or has lost them.
    mutating func noteConsuming(_ isSo: Bool) {
        (isConsuming, isConsumingForOthers) = (isSo, isSo)
        changes.append(.consumes(isSo))
    }

    /// Says whether it has its lanes, if the others know it otherwise: it may be another member to them than it was.
    mutating func correctConsuming(_ state: ClusterState?, isAnother: Bool) {
        if isAnother { isConsumingForOthers = false }
        if let state { isConsumingForOthers = state.consumingSince[member] != nil }
        guard isConsumingForOthers != isConsuming else { return }
        isConsumingForOthers = isConsuming
        changes.append(.consumes(isConsuming))
    }

    mutating func take() -> [ClusterChange] {
        defer { changes = [] }
        unanswered += changes.count
        for change in changes { noteEvidence(change) }
        return changes
    }

    /// What it says itself it need not first hear of: a success that comes before the answer speaks against it too.
    private mutating func noteEvidence(_ change: ClusterChange) {
        switch change {
        case .testify(let evidence, _):
            if evidence.isFailure { hasFailures = true } else { hasRefusals = true }
        case .meet: hasRefusals = true
        case .engage, .lift, .beginProbe, .renewProbe, .endRound, .probeNow, .letOthersStart, .disprove, .divide,
            .leaveParts, .pause, .resume, .pauseMember, .resumeMember, .consumes, .take:
            break
        }
    }

    mutating func forgetEvidence(isSuccess: Bool) {
        changes.removeAll { change in
            if case .testify(let evidence, _) = change { isSuccess || evidence.isFailure } else { false }
        }
    }

    /// Lets the turn go, with nothing to say of the holds: what is due stays due.
    mutating func returnTurn() {
        if let turn { changes.append(.endRound(fence: turn.fence, [])) }
        turn = nil
    }
}

extension SharedHold {
    init(_ hold: Hold, of member: Int64) {
        self.init(cause: hold.cause, since: hold.since, member: member, detail: hold.detail)
        nextProbe = hold.nextProbeAt
        round = hold.round
        threshold = hold.threshold
        refusedProbes = hold.refusedProbes
    }
}
