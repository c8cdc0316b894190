import Clocks
import Concurrency
import Ledger

/// The calls of a day that a cluster has allotted to this member, and what it has made of them.
struct DayCredit: Sendable {
    /// The epoch to which it was allotted.
    var member: Int64 = 0
    /// In all, as the newest answer has it.
    var allotted = 0
    /// Among these, for mass jobs, while these are spread over the day.
    var allottedBulk = 0
    /// Calls that were claimed, or are about to be, or may have been; also those that needed no allotment.
    var used = 0
    /// Among these, of those that were allotted for mass jobs.
    var usedBulk = 0
    /// Calls that are about to be claimed.
    var unclaimed = 0
    /// When a call was last taken, or asked for.
    var usedAt: Timestamp?
    /// The others are asked, or told, just now.
    var isAsking = false
    /// The newest answer is lost: what it told of is not known.
    var isInDoubt = false
    /// The limit that the others know of this member: the lowest of all counts.
    var saidLimit: Int?
    /// When it was last looked how the day stands, in a hold.
    var lookedAt: Timestamp?
    /// The limit with which the day was found open again last: if it is held again, that is not the limit's doing.
    var openedWith: Int?

    init(member: Int64 = 0) {
        self.member = member
    }

    var left: Int { max(0, allotted - used) }

    func covers(isBulk: Bool) -> Bool {
        let bulk = allottedBulk - usedBulk
        return min(left, isBulk ? bulk : allotted - used - bulk) > 0
    }
}

/// The day of a cluster: no call is made that was not allotted before, so that all together never exceed the limit.
extension DayBudget {
    /// Another worker asks just now: that takes a commit.
    static let oneCommit = Duration.milliseconds(10)
    /// Other members have what is left. They claim with it, or give it back when they have no use for it.
    static let untilGivenBack = Duration.seconds(1)
    /// A member that has taken no call for so long has no use for what it was allotted.
    static let idle = Duration.seconds(5)

    var spentDetail: String {
        cluster == nil ? "this daemon's share of the day's quota is spent" : "the day's quota of all members is spent"
    }

    /// Whether a job may call now. `isBulk`: a mass job, and these are spread over the day.
    func permission(
        isBulk: Bool, at now: Timestamp, of cluster: any Cluster
    ) async throws(LedgerError) -> Permission {
        let day = day(at: now)
        let member = cluster.epoch
        let known: Permission? = state.withLock { state in
            state.follow(member)
            if state.credit.covers(isBulk: isBulk) { return .granted }
            if state.credit.isAsking { return .soon(Self.oneCommit) }
            state.credit.isAsking = true
            state.credit.usedAt = now
            return nil
        }
        if let known { return known }
        let (before, limit) = state.withLock { ($0.credit, $0.limit) }
        let ceiling = isBulk ? Self.bulkCeiling(limit: limit, day: day, at: now) : nil
        let request = DayRequest(
            day: day.name, limit: limit, bulkCeiling: ceiling, used: before.used, usedBulk: before.usedBulk)
        guard let answer = try await ask(request, before, of: cluster) else { return .soon(Self.oneCommit) }
        return state.withLock { $0.permission(by: answer, isBulk: isBulk, of: day, at: now) }
    }

    /// Nil: it is of a day, or of a membership, that is over by now.
    private func ask(
        _ request: DayRequest, _ before: DayCredit, of cluster: any Cluster
    ) async throws(LedgerError) -> DayAnswer? {
        let answer: DayAnswer
        do throws(LedgerError) {
            answer = try await cluster.allot(request)
        } catch {
            // Whatever became of it, the next answer tells.
            state.withLock { state in
                guard state.isCredit(before, of: request.day) else { return }
                state.credit.isAsking = false
                state.credit.isInDoubt = true
            }
            throw error
        }
        let member = cluster.epoch
        return state.withLock { state in
            guard state.isCredit(before, of: request.day) else { return nil }
            state.credit.isAsking = false
            guard member == before.member else { return nil }
            state.credit.isInDoubt = false
            state.credit.saidLimit = request.limit
            state.adopt(answer, before)
            return answer
        }
    }

    /// Sees to it that a job which has called may ask or call on, if there is anything left.
    func prepare(isBulk: Bool, at now: Timestamp) async {
        let (limit, pace) = share
        guard let cluster, limit > 0 else { return }
        // Refused or not: `take` says what is to be done without.
        _ = try? await permission(isBulk: isBulk && pace == .even, at: now, of: cluster)
    }

    /// Gives back what nobody has used for a while: others may be out of it. Says, too, that the limit is another one
    /// since a reload: who was told that the day is spent asks no more, and its old limit would keep the others from it.
    ///
    /// `isHeld`: all are on hold because the day is spent. Then it is looked whether it still is.
    /// - Returns: true if it no longer is, because the limit has been raised since.
    @discardableResult
    func giveBackIdle(at now: Timestamp, isHeld: Bool = false) async -> Bool {
        guard let cluster else { return false }
        let day = day(at: now)
        let member = cluster.epoch
        let asked: (request: DayRequest, before: DayCredit)? = state.withLock { state in
            state.follow(member)
            let credit = state.credit
            guard !credit.isAsking else { return nil }
            let isIdle = (credit.left > 0 || credit.isInDoubt) && credit.usedAt.map { now - $0 >= Self.idle } ?? false
            let isNews = credit.saidLimit.map { $0 != state.limit } ?? false
            let isDue = isHeld && credit.lookedAt.map { now - $0 >= Self.idle } ?? true
            guard isIdle || isNews || isDue else { return nil }
            state.credit.lookedAt = now
            var request = DayRequest(
                day: day.name, limit: state.limit, isAsking: false, used: credit.used, usedBulk: credit.usedBulk)
            request.givesBack = isIdle
            state.credit.isAsking = true
            // If whether it was given back is not known, it is not used before that is.
            if isIdle { (state.credit.allotted, state.credit.allottedBulk) = (credit.used, credit.usedBulk) }
            return (request, state.credit)
        }
        guard let asked else { return false }
        // The ledger says by itself that it is away.
        guard let answer = try? await ask(asked.request, asked.before, of: cluster), answer.isOpenAgain
        else { return false }
        return state.withLock { state in
            defer { state.credit.openedWith = answer.limit }
            return state.credit.openedWith != answer.limit
        }
    }

    /// How many calls all members may have been allotted for mass jobs by now: as many as one worker would have made.
    static func bulkCeiling(limit: Int, day: QuotaDay, at now: Timestamp) -> Int {
        let share = Pace.bulkShare * Double(limit)
        let passed = (now - day.start).inSeconds / (day.end - day.start).inSeconds
        return Int(min(share, share * passed + head(of: limit)).rounded(.up))
    }
}

extension DayBudget.State {
    /// Whether what is known now is of the same day, and of the same membership.
    func isCredit(_ before: DayCredit, of day: String) -> Bool {
        self.day?.name == day && credit.member == before.member
    }

    /// What the member was allotted before it was taken for dead is the others'.
    mutating func follow(_ member: Int64) {
        if credit.member != member { credit = DayCredit(member: member) }
    }

    mutating func takeCredit(isBulk: Bool, day: String, by member: Int64, at now: Timestamp) -> DayBudget.Ticket? {
        let isOfBulkAllotment = isBulk && pace == .even
        guard credit.member == member, credit.covers(isBulk: isOfBulkAllotment) else { return nil }
        if isOfBulkAllotment { credit.usedBulk += 1 }
        credit.usedAt = now
        useCredit()
        return DayBudget.Ticket(
            day: day, isBulk: isBulk, isOfBulkAllotment: isOfBulkAllotment, member: member, isAllotted: true)
    }

    mutating func useCredit() {
        credit.used += 1
        credit.unclaimed += 1
    }

    /// What was taken is claimed, or may be: it is not used again. `isClaimed`: false for what is neither.
    mutating func settleCredit(_ ticket: DayBudget.Ticket, isClaimed: Bool) {
        guard ticket.member == credit.member else { return }
        credit.unclaimed -= 1
        if !isClaimed { giveBackCredit(ticket) }
    }

    /// What an earlier epoch was allotted is the others' by now.
    mutating func giveBackCredit(_ ticket: DayBudget.Ticket) {
        guard ticket.member == credit.member else { return }
        credit.used -= 1
        if ticket.isOfBulkAllotment { credit.usedBulk -= 1 }
    }

    /// Learns what the member has been allotted. `before`: when it was asked for.
    mutating func adopt(_ answer: DayAnswer, _ before: DayCredit) {
        (credit.allotted, credit.allottedBulk) = (answer.share.allotted, answer.share.allottedBulk)
        spent = answer.spent
        // Of calls that may have been claimed and were not nobody says so; but while none is about to be, the ledger has
        // counted all that were.
        guard before.unclaimed == 0, credit.unclaimed == 0, credit.used == before.used else { return }
        credit.used = answer.ownSpent
        credit.usedBulk = min(credit.usedBulk, credit.used)
    }

    func permission(
        by answer: DayAnswer, isBulk: Bool, of day: QuotaDay, at now: Timestamp
    ) -> DayBudget.Permission {
        if credit.covers(isBulk: isBulk) { return .granted }
        if answer.spent >= answer.limit { return .spent(until: day.end) }
        if isBulk {
            let permission = DayBudget.bulk(spent: answer.allottedBulk, limit: answer.limit, day: day, at: now)
            if case .later = permission { return permission }
        }
        return .soon(DayBudget.untilGivenBack)
    }
}
