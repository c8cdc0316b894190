import Clocks
import Concurrency
import Ledger

/// The calls of a day that a cluster has allotted to this member, and that it has not claimed with.
struct DayCredit: Sendable {
    /// For any job.
    var calls = 0
    /// For mass jobs, while these are spread over the day.
    var bulk = 0
    /// When a call was last taken, or allotted.
    var used: Timestamp?
    /// The epoch to which it was allotted.
    var member: Int64 = 0
    /// Somebody asks for more.
    var isAsking = false
    /// The limit that the others know of this member: the lowest of all counts.
    var saidLimit: Int?

    func covers(isBulk: Bool) -> Bool { isBulk ? bulk > 0 : calls > 0 }
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
            // What the member was allotted before it was taken for dead is the others'.
            if state.credit.member != member { state.credit = DayCredit(member: member) }
            if state.credit.covers(isBulk: isBulk) { return .granted }
            if state.credit.isAsking { return .soon(Self.oneCommit) }
            state.credit.isAsking = true
            return nil
        }
        if let known { return known }
        let limit = state.withLock { state in
            state.credit.saidLimit = state.limit
            return state.limit
        }
        let ceiling = isBulk ? Self.bulkCeiling(limit: limit, day: day, at: now) : nil
        let answer: DayAnswer
        do throws(LedgerError) {
            answer = try await cluster.allot(DayRequest(day: day.name, limit: limit, bulkCeiling: ceiling))
        } catch {
            state.withLock { $0.credit.isAsking = false }
            throw error
        }
        guard cluster.epoch == member else { return .soon(Self.oneCommit) }
        return state.withLock { $0.accept(answer, of: day, isBulk: isBulk, at: now) }
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
    func giveBackIdle(at now: Timestamp) async {
        guard let cluster else { return }
        let day = day(at: now)
        let request: DayRequest? = state.withLock { state in
            let credit = state.credit
            guard !credit.isAsking else { return nil }
            let isIdle = credit.calls + credit.bulk > 0 && credit.used.map { now - $0 >= Self.idle } ?? false
            let isNews = credit.saidLimit.map { $0 != state.limit } ?? false
            guard isIdle || isNews else { return nil }
            var request = DayRequest(day: day.name, limit: state.limit, isAsking: false)
            state.credit.saidLimit = state.limit
            guard isIdle else { return request }
            (request.returned, request.returnedBulk) = (credit.calls, credit.bulk)
            (state.credit.calls, state.credit.bulk) = (0, 0)
            return request
        }
        guard let request else { return }
        do throws(LedgerError) {
            _ = try await cluster.allot(request)
        } catch {
            // Whether it was given back is not known: it is not used. The end of this process gives it back for sure.
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
    mutating func takeCredit(isBulk: Bool, day: String, by member: Int64, at now: Timestamp) -> DayBudget.Ticket? {
        let isOfBulkAllotment = isBulk && pace == .even
        guard credit.member == member, credit.covers(isBulk: isOfBulkAllotment) else { return nil }
        if isOfBulkAllotment { credit.bulk -= 1 } else { credit.calls -= 1 }
        credit.used = now
        return DayBudget.Ticket(day: day, isBulk: isBulk, isOfBulkAllotment: isOfBulkAllotment, member: member)
    }

    /// What an earlier epoch was allotted is the others' by now, and what was taken without a limit is nobody's.
    mutating func giveBackCredit(_ ticket: DayBudget.Ticket) {
        guard ticket.member == credit.member else { return }
        if ticket.isOfBulkAllotment { credit.bulk += 1 } else { credit.calls += 1 }
    }

    mutating func accept(
        _ answer: DayAnswer, of day: QuotaDay, isBulk: Bool, at now: Timestamp
    ) -> DayBudget.Permission {
        credit.isAsking = false
        // Allotted of a day that is over by now: its end gives it back to nobody.
        guard self.day?.name == day.name else { return .soon(DayBudget.oneCommit) }
        spent = answer.spent
        credit.used = now
        if answer.calls > 0 {
            if isBulk { credit.bulk += answer.calls } else { credit.calls += answer.calls }
            return .granted
        }
        // At the end of the day's calls any job may have what mass jobs were allotted.
        if !isBulk, credit.bulk > 0 {
            credit.bulk -= 1
            credit.calls += 1
            return .granted
        }
        if answer.spent >= answer.limit { return .spent(until: day.end) }
        if isBulk {
            let permission = DayBudget.bulk(spent: answer.allottedBulk, limit: answer.limit, day: day, at: now)
            if case .later = permission { return permission }
        }
        return .soon(DayBudget.untilGivenBack)
    }
}
