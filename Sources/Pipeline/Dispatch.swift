import AMQP
import Jobs
import Threads

/// Everything in hand and whose turn it is: a value, so that its rules read as a transcript in the tests.
///
/// Lanes take turns by weight; inside a lane, accounts take turns; inside an account, jobs keep their order. An
/// account that is busy or over its rate is in no ring, so it costs the others nothing. A second delivery of a job in
/// hand follows the first. What waited too long is parked.
struct Dispatch: Sendable {
    struct Limits: Sendable {
        /// Calls in flight for one account.
        var perAccount: Int
        /// 0 is no limit.
        var requestsPerMinutePerAccount: Int
        /// Deliveries are settled in under two minutes, long before the broker's consumer timeout.
        var patience = Duration.seconds(60)
        /// Deliveries that can be in hand at once; 0 is not known.
        var room = 0
        /// 0 is no limit.
        var requestsPerSecond = 0.0
        /// Whose jobs test a hold before all others.
        var canary: AccountID?
    }

    struct Turn: Sendable {
        let item: Item
        let mandate: Mandate
    }

    enum State: Equatable {
        case waiting
        /// Between two tries.
        case delayed
        /// Behind another delivery of the same job.
        case following
        case housekeeping(Mandate)
        case running(Mandate)
    }

    struct Entry {
        var item: Item
        var state: State
        /// When its worker took it.
        var began: MonotonicTime?
    }

    enum Timer {
        case ready(DeliveryTag)
        case accountSlot(AccountID)
        case accountIdle(AccountID)
        case quietAfterSuspects
        case callRate
        case bulkOpens
    }

    /// The deliveries of one job in hand.
    struct Company {
        var leader: DeliveryTag
        var followers = FIFO<DeliveryTag>()
    }

    var limits: Limits
    var entries: [DeliveryTag: Entry] = [:]
    var companies: [JobID: Company] = [:]
    var accounts: [AccountID: AccountQueue] = [:]
    var rings: [Lane: FIFO<AccountID>] = [:]
    var turns = LaneTurns()
    var housekeeping = FIFO<DeliveryTag>()
    var suspects = SuspectWatch()
    var timers = TimerQueue<Timer>()
    /// When each delivery in hand has waited too long, in the order of their arrival. Not a timer each: at thousands of
    /// jobs a second a minute of them would be megabytes, nearly all for deliveries that have ended.
    var patience = FIFO<(tag: DeliveryTag, time: MonotonicTime)>()
    var runningCalls = 0
    /// How long a call holds its account, on average of late.
    var callTime = Duration.milliseconds(50)
    /// With a limit of calls per second: no call begins before.
    var nextCall: MonotonicTime?
    /// The mass jobs' share of the day is spent until then.
    var bulkOpensAt: MonotonicTime?

    /// An account whose turn is further off than this gives its place in hand to others, if places are scarce.
    static let farOff = Duration.seconds(5)

    init(limits: Limits) {
        self.limits = limits
    }

    var inHand: Int { entries.count }
    var nextTimer: MonotonicTime? { [timers.earliest, patience.first?.time].compactMap { $0 }.min() }

    /// When the delivery came that has been in hand the longest.
    var oldest: MonotonicTime? { entries.values.lazy.map(\.item.message.receivedAt).min() }

    /// Calls that workers have in hand.
    var callsInFlight: Int { runningCalls }

    // MARK: Coming in

    /// Takes a message in. It is in hand until `end`.
    mutating func accept(_ item: Item, at now: MonotonicTime) {
        let tag = item.message.tag
        precondition(entries[tag] == nil, "the broker gives each delivery of a connection its own tag")
        entries[tag] = Entry(item: item, state: .waiting)
        patience.append((tag, now + limits.patience))
        guard let job = item.job else { return keepHouse(tag, .work) }
        if companies[job.id] != nil {
            companies[job.id]?.followers.append(tag)
            entries[tag]?.state = .following
        } else {
            companies[job.id] = Company(leader: tag)
            enqueue(tag, item, job, at: now)
        }
        if item.stamp.suspect == 0 { suspects.sawOrdinary() }
    }

    mutating func enqueue(
        _ tag: DeliveryTag, _ item: Item, _ job: Job, first: Bool = false, at now: MonotonicTime
    ) {
        entries[tag]?.state = .waiting
        guard item.lane != .broken else { return keepHouse(tag, .work) }
        guard item.stamp.suspect == 0 else { return suspects.add(tag) }
        var account = accounts[job.account] ?? AccountQueue()
        if !first, placesAreScarce, isFarOff(account, at: now) { return keepHouse(tag, .park) }
        account.add(tag, lane: item.lane, first: first)
        accounts[job.account] = account
        offer(job.account, lane: item.lane, at: now)
    }

    private var placesAreScarce: Bool { limits.room > 0 && entries.count * 2 > limits.room }

    /// Parks what waits in hand for an account that will have no turn for long, if others need the places.
    mutating func parkFarOff(_ name: AccountID, at now: MonotonicTime) {
        guard placesAreScarce, var account = accounts[name], isFarOff(account, at: now) else { return }
        for lane in Lane.allCases {
            while let tag = account.take(lane) {
                if entries[tag]?.state == .waiting { keepHouse(tag, .park) }
            }
        }
        accounts[name] = account
    }

    private func isFarOff(_ account: AccountQueue, at now: MonotonicTime) -> Bool {
        let turn = account.expectedTurn(
            limit: limits.requestsPerMinutePerAccount, callTime: callTime / limits.perAccount, at: now)
        return turn - now > Self.farOff
    }

    mutating func keepHouse(_ tag: DeliveryTag, _ mandate: Mandate) {
        entries[tag]?.state = .housekeeping(mandate)
        housekeeping.append(tag)
    }

    /// Puts the account into the lane's ring if it may have a turn; else arms the timer that will.
    mutating func offer(_ name: AccountID, lane: Lane, at now: MonotonicTime) {
        guard var account = accounts[name], account.wants(lane), account.running < limits.perAccount else { return }
        if let slot = account.nextSlot(limit: limits.requestsPerMinutePerAccount, at: now) {
            if !account.isTimed {
                account.isTimed = true
                timers.schedule(.accountSlot(name), at: slot)
            }
        } else {
            account.enteredRing(lane)
            rings[lane, default: FIFO()].append(name)
        }
        accounts[name] = account
    }

    mutating func offerAll(_ name: AccountID, at now: MonotonicTime) {
        for lane in Lane.allCases { offer(name, lane: lane, at: now) }
        guard let account = accounts[name], account.isIdle else { return }
        if let time = account.rememberedUntil(at: now), time > now {
            // One timer for each idle account, so that a hundred thousand of them are forgotten in their turn.
            guard !account.isSwept else { return }
            accounts[name]?.isSwept = true
            timers.schedule(.accountIdle(name), at: time)
        } else {
            accounts[name] = nil
        }
    }

    // MARK: Coming back

    /// The delivery has been settled: it is out of hand, and the next delivery of its job takes its place.
    mutating func end(_ tag: DeliveryTag, at now: MonotonicTime) {
        guard let entry = entries.removeValue(forKey: tag) else { return }
        forgetEnded()
        leave(entry, at: now)
        if suspects.ended(tag) {
            timers.schedule(.quietAfterSuspects, at: now + SuspectWatch.quiet)
        }
        guard let job = entry.item.job else { return }
        promote(job.id, after: tag, at: now)
    }

    mutating func promote(_ id: JobID, after tag: DeliveryTag, at now: MonotonicTime) {
        guard var company = companies[id], company.leader == tag else { return }
        while let follower = company.followers.popFirst() {
            guard let entry = entries[follower], entry.state == .following, let job = entry.item.job else { continue }
            company.leader = follower
            companies[id] = company
            return enqueue(follower, entry.item, job, at: now)
        }
        companies[id] = nil
    }

    /// The worker wants another try with it at `time`; until then it occupies nobody.
    mutating func putBack(_ item: Item, until time: MonotonicTime, at now: MonotonicTime) {
        let tag = item.message.tag
        guard let entry = entries[tag] else { return }
        leave(entry, at: now)
        entries[tag] = Entry(item: item, state: .delayed)
        timers.schedule(.ready(tag), at: time)
    }

    mutating func leave(_ entry: Entry, at now: MonotonicTime) {
        guard case .running(let mandate) = entry.state, occupiesCall(entry.item, mandate) else { return }
        runningCalls -= 1
        guard let job = entry.item.job else { return }
        if let began = entry.began { callTime += (min(now - began, Self.longestCallTime) - callTime) / 8 }
        accounts[job.account]?.running -= 1
        offerAll(job.account, at: now)
    }

    /// So that one call that hangs does not make every account look slow.
    private static let longestCallTime = Duration.seconds(2)

    /// A call for the account begins: it counts against the account's minute and the worker's second.
    mutating func callBegan(_ account: AccountID, at now: MonotonicTime) {
        if limits.requestsPerSecond > 0 {
            // Up to a second's calls that were not made may be made at once.
            let step = Duration.seconds(1) / limits.requestsPerSecond
            nextCall = max(nextCall ?? now, now + .seconds(-1)) + step
        }
        guard limits.requestsPerMinutePerAccount > 0 else { return }
        accounts[account, default: AccountQueue()].noteCall(limit: limits.requestsPerMinutePerAccount, at: now)
    }
}
