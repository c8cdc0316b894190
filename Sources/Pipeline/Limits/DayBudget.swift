import Clocks
import Concurrency
import Ledger

/// How the day's calls are spread.
package enum Pace: Sendable {
    /// Mass jobs get nine tenths, spread over the day; the rest is for the interactive ones.
    case even
    /// As fast as they come.
    case asap

    /// What mass jobs may take of a day in the even pace.
    package static let bulkShare = 0.9
}

/// How much of the day's quota is spent, and who may spend the rest: the ledger's count, kept in memory after the
/// first look of a day.
final class DayBudget: Sendable {
    enum Permission: Equatable, Sendable {
        case granted
        /// Mass jobs are ahead of the day.
        case later(Timestamp)
        /// No call may begin before the day ends.
        case spent(until: Timestamp)
        /// Whether there is a call left is about to be known.
        case soon(Duration)
    }

    /// A call that was counted and is not claimed yet.
    struct Ticket: Sendable {
        let day: String
        let isBulk: Bool
        /// Of the calls that a cluster has allotted for mass jobs.
        var isOfBulkAllotment = false
        /// The epoch that the member had; nil: it shares nothing.
        var member: Int64?
        /// A cluster has allotted the call to that epoch.
        var isAllotted = false

        var allottedTo: Int64? { isAllotted ? member : nil }
    }

    struct State {
        var limit: Int
        var pace: Pace
        var day: QuotaDay?
        var spent: Int?
        /// Calls of mass jobs among the spent ones. Not known after a restart: all count as theirs.
        var bulk: Int?
        /// How many of the spent are not claimed yet, and may be given back.
        var unclaimed = 0
        /// The latest time that was promised to a mass job.
        var reserved: Timestamp?
        /// The day of which the API's clock was compared with ours.
        var compared: String?
        // The latest answer that could be compared had another time.
        var isClockDoubted = false
        /// What this member was allotted by a cluster, and has not claimed with.
        var credit = DayCredit()

        mutating func count(_ calls: Int, isBulk: Bool) {
            spent = spent.map { max(0, $0 + calls) }
            if isBulk { bulk = bulk.map { max(0, $0 + calls) } }
        }
    }

    // Written by workers and reloads, under the lock.
    let state: Lock<State>
    /// Nil: the day is this worker's alone.
    let cluster: (any Cluster)?
    private let quotaDay: @Sendable (Timestamp) -> QuotaDay

    /// The API's Date header has whole seconds and a way to go; a minute is more than both and less than harm.
    static let clockTolerance = Duration.seconds(60)
    /// How long after the end of a day the first probe of the next one comes: the API's midnight is not exact, and
    /// workers that wait for the same midnight must not come at once.
    static func lateness() -> Duration { .seconds(Int.random(in: 0...900)) }
    /// A part of the limit that mass jobs may be ahead of the day, and at most how many calls they wait for: so that
    /// the lane is not opened and closed for each job.
    private static let head = 100
    private static let longestBatch = 50

    init(
        limit: Int, pace: Pace, cluster: (any Cluster)? = nil, quotaDay: @escaping @Sendable (Timestamp) -> QuotaDay
    ) {
        state = Lock(State(limit: limit, pace: pace))
        self.cluster = cluster
        self.quotaDay = quotaDay
    }

    /// This daemon's share of a day, and how it is spread.
    var share: (limit: Int, pace: Pace) { state.withLock { ($0.limit, $0.pace) } }

    /// Another share of the day from now on.
    func adopt(limit: Int, pace: Pace) {
        state.withLock { state in
            // What a day that was ended early counts as spent is of the old share: the ledger knows better.
            if state.limit != limit { state.spent = nil }
            state.limit = limit
            state.pace = pace
        }
    }

    /// A day that the API ended early counts as spent. Somebody says that it may not be over: the ledger knows what was
    /// spent of it. Only while the worker is on hold, because what is claimed meanwhile is not counted.
    func recount() {
        state.withLock { $0.spent = nil }
    }

    /// What is known of the day without asking the ledger.
    func known(at now: Timestamp) -> (spent: Int, limit: Int)? {
        _ = day(at: now)
        return state.withLock { state in state.spent.map { ($0, state.limit) } }
    }

    func dayName(at now: Timestamp) -> String { day(at: now).name }

    /// Counts a call that is about to be claimed in the ledger. Nil, and nothing is counted, if it `mustBeWithin`
    /// the share and others who were permitted at the same time have taken the last of it. What a cluster allots is
    /// never exceeded.
    func take(isBulk: Bool, mustBeWithin: Bool, at now: Timestamp) -> Ticket? {
        let day = day(at: now)
        return state.withLock { state in
            let member = cluster?.epoch
            if let member {
                if state.limit > 0 { return state.takeCredit(isBulk: isBulk, day: day.name, by: member, at: now) }
                // Without a limit, and yet spent if one is set later.
                state.follow(member)
                state.useCredit()
            }
            if mustBeWithin, state.limit > 0, let spent = state.spent, spent >= state.limit { return nil }
            state.count(1, isBulk: isBulk)
            state.unclaimed += 1
            return Ticket(day: day.name, isBulk: isBulk, member: member)
        }
    }

    /// What was taken is claimed, or was not. Another day than the ticket's has its own count.
    func settle(_ ticket: Ticket, isClaimed: Bool) {
        state.withLock { state in
            guard state.day?.name == ticket.day else { return }
            if ticket.member != nil { state.settleCredit(ticket, isClaimed: isClaimed) }
            if ticket.isAllotted { return }
            state.unclaimed = max(0, state.unclaimed - 1)
            if !isClaimed { state.count(-1, isBulk: ticket.isBulk) }
        }
    }

    /// Whether what was taken is claimed is not known. What a cluster allotted for it is not used again: the others rely
    /// on it that no member spends more than it was allotted.
    func lose(_ ticket: Ticket) { settle(ticket, isClaimed: ticket.member != nil) }

    /// The call that was claimed with the ticket was not made, and the ledger counts it no more.
    func giveBack(_ ticket: Ticket) {
        state.withLock { state in
            guard state.day?.name == ticket.day else { return }
            if ticket.member != nil { state.giveBackCredit(ticket) }
            if ticket.isAllotted { return }
            state.count(-1, isBulk: ticket.isBulk)
        }
    }

    /// When a mass job that must wait is to come again: each a little after the one before, so that they do not all
    /// come at once to find one call.
    func reserve(from time: Timestamp, at now: Timestamp) -> Timestamp {
        let day = day(at: now)
        return state.withLock { state in
            let interval = (day.end - day.start) / max(1, Int(Double(state.limit) * Pace.bulkShare))
            let slot = max(time, state.reserved ?? time) + interval
            state.reserved = slot
            return slot
        }
    }

    /// Nothing is left of the day, whatever was counted. Returns its end.
    func endDay(at now: Timestamp) -> Timestamp {
        let day = day(at: now)
        // What all members have spent is the ledger's to say, and the hold that follows is everybody's.
        if cluster == nil { state.withLock { $0.spent = max($0.spent ?? 0, $0.limit) } }
        return day.end
    }

    /// Whether a job may call now.
    func permission(isBulk: Bool, at now: Timestamp, ledger: any JobLedger) async throws(LedgerError) -> Permission {
        let (limit, pace) = share
        guard limit > 0 else { return .granted }
        if let cluster { return try await permission(isBulk: isBulk && pace == .even, at: now, of: cluster) }
        let day = day(at: now)
        let spent = try await spent(at: now, ledger: ledger)
        // While calls may be given back the day is not over: `take` decides, and who is refused asks again.
        guard spent - state.withLock({ $0.unclaimed }) < limit else { return .spent(until: day.end) }
        guard isBulk, pace == .even else { return .granted }
        return Self.bulk(spent: state.withLock { $0.bulk } ?? spent, limit: limit, day: day, at: now)
    }

    /// The even pace: by each time of the day, so much of the mass jobs' share may be spent as of the day is over.
    static func bulk(spent: Int, limit: Int, day: QuotaDay, at now: Timestamp) -> Permission {
        let share = Pace.bulkShare * Double(limit)
        guard Double(spent) < share else { return .later(day.end) }
        let length = (day.end - day.start).inSeconds
        let head = Self.head(of: limit)
        guard Double(spent) >= share * (now - day.start).inSeconds / length + head else { return .granted }
        let batch = Double(min(max(1, limit / (2 * Self.head)), longestBatch))
        let fraction = (Double(spent) + batch - head) / share
        return .later(min(day.end, day.start + .milliseconds(Int64(fraction * length * 1000))))
    }

    /// How far mass jobs may be ahead of the day.
    static func head(of limit: Int) -> Double { Double(max(1, limit / head)) }

    /// Calls and album queries of the day so far.
    func spent(at now: Timestamp, ledger: any JobLedger) async throws(LedgerError) -> Int {
        let day = day(at: now)
        if let known = state.withLock({ $0.spent }) { return known }
        let count = try await ledger.count(of: day.name)
        return state.withLock { state in
            // Another worker may have loaded it meanwhile and counted on.
            let spent = max(state.spent ?? 0, count.calls + count.albumQueries)
            state.spent = spent
            state.bulk = state.bulk ?? spent
            return spent
        }
    }

    // MARK: Whose clock

    func mustCompareClocks(at now: Timestamp) -> Bool {
        guard share.limit > 0 else { return false }
        let day = day(at: now)
        return state.withLock { $0.compared != day.name }
    }

    func comparedClocks(at now: Timestamp) {
        let day = day(at: now)
        state.withLock { state in
            state.compared = day.name
            state.isClockDoubted = false
        }
    }

    /// An answer has another time than this machine. True if the one before had as well.
    func doubtClock() -> Bool {
        state.withLock { state in
            defer { state.isClockDoubted = true }
            return state.isClockDoubted
        }
    }

    func day(at now: Timestamp) -> QuotaDay {
        state.withLock { state in
            // A clock that was ahead and is set right leads back into the day before.
            if let day = state.day, day.start <= now, now < day.end { return day }
            let day = quotaDay(now)
            state.day = day
            state.spent = nil
            state.bulk = nil
            state.unclaimed = 0
            state.credit = DayCredit()
            return day
        }
    }
}
