import AMQP
import Jobs
import Messages
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
        /// Deliveries of one lane that can be in hand at once; 0 is not known.
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
        /// It fills a place of its account, and is not on its way out of hand.
        var hasPlace = false
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

        /// True if the delivery is the first of its job.
        mutating func join(_ tag: DeliveryTag) -> Bool {
            if tag != leader { followers.append(tag) }
            return tag == leader
        }
    }

    var limits: Limits
    var entries: [DeliveryTag: Entry] = [:]
    var companies: [JobID: Company] = [:]
    /// Jobs that an operator ends.
    var reserved: Set<JobID> = []
    var accounts: [AccountID: AccountQueue] = [:]
    var rings = PerLane(repeating: FIFO<AccountID>())
    var turns = LaneTurns()
    var housekeeping = FIFO<DeliveryTag>()
    var windows = PerLane(repeating: LaneWindow())
    var lookouts = PerLane(repeating: Lookout())
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

    init(limits: Limits) {
        self.limits = limits
    }

    var inHand: Int { entries.count }
    var nextTimer: MonotonicTime? { .earliest(timers.earliest, patience.first?.time) }

    /// When the delivery came that has been in hand the longest.
    var oldest: MonotonicTime? { entries.values.lazy.map(\.item.message.receivedAt).min() }

    /// Calls that workers have in hand.
    var callsInFlight: Int { runningCalls }

    // MARK: Coming in

    /// Takes a message in. It is in hand until `end`.
    mutating func accept(_ item: Item, at now: MonotonicTime) {
        let tag = item.message.tag
        let isLeader = item.job.map { companies[$0.id, default: Company(leader: tag)].join(tag) } ?? true
        let stranger = entries.updateValue(
            Entry(item: item, state: isLeader ? .waiting : .following, hasPlace: item.job != nil), forKey: tag)
        precondition(stranger == nil, "the broker gives each delivery of a connection its own tag")
        patience.append((tag, now + limits.patience))
        takePlace(item, at: now)
        guard let job = item.job else { return keepHouse(tag, .work) }
        if isLeader { enqueue(tag, item, job, at: now) }
        makeRoom(in: item.lane, for: tag, of: job.account, at: now)
        if item.stamp.suspect == 0 { suspects.sawOrdinary() }
    }

    /// Gives a waiting delivery its place.
    private mutating func enqueue(
        _ tag: DeliveryTag, _ item: Item, _ job: Job, first: Bool = false, at now: MonotonicTime
    ) {
        guard item.lane != .broken else { return keepHouse(tag, .work) }
        guard !reserved.contains(job.id) else { return keepHouse(tag, .park) }
        guard item.stamp.suspect == 0 else { return suspects.add(tag) }
        accounts[job.account, default: AccountQueue()].add(tag, lane: item.lane, first: first)
        offer(job.account, at: now)
    }

    /// Gives a delivery its place that waited for another or for its time.
    mutating func enqueueAgain(_ tag: DeliveryTag, _ job: Job, first: Bool = false, at now: MonotonicTime) {
        guard let place = entries.index(forKey: tag) else { return }
        entries.values[place].state = .waiting
        enqueue(tag, entries.values[place].item, job, first: first, at: now)
    }

    mutating func keepHouse(_ tag: DeliveryTag, _ mandate: Mandate) {
        if !mandate.mayCall { giveUpPlace(tag) }
        entries[tag]?.state = .housekeeping(mandate)
        housekeeping.append(tag)
    }

    // Accounts are changed in place: a copy of one takes a copy of all that waits in it.

    /// Puts the account into the rings where it may have a turn; else arms the timer that will.
    mutating func offer(_ name: AccountID, at now: MonotonicTime) {
        guard let place = accounts.index(forKey: name) else { return }
        offer(name, place, at: now)
    }

    private mutating func offer(
        _ name: AccountID, _ place: Dictionary<AccountID, AccountQueue>.Index, at now: MonotonicTime
    ) {
        switch accounts.values[place].offer(limits, at: now) {
        case .nothing: break
        case .later(let time): timers.schedule(.accountSlot(name), at: time)
        case .rings(let entered):
            for lane in Lane.allCases where entered[lane] { rings[lane].append(name) }
        }
    }

    /// Offers the account, or forgets it when there is nothing to remember of it.
    mutating func offerOrForget(_ name: AccountID, at now: MonotonicTime) {
        guard let place = accounts.index(forKey: name) else { return }
        offer(name, place, at: now)
        switch accounts.values[place].retire(at: now) {
        case .no: break
        // One timer for each idle account, so that a hundred thousand of them are forgotten in their turn.
        case .later(let time): timers.schedule(.accountIdle(name), at: time)
        case .now: accounts.remove(at: place)
        }
    }

    // MARK: Coming back

    /// The delivery has been settled: it is out of hand, and the next delivery of its job takes its place.
    mutating func end(_ tag: DeliveryTag, at now: MonotonicTime) {
        guard let entry = entries.removeValue(forKey: tag) else { return }
        forgetEnded()
        leavePlace(entry)
        leave(entry, at: now)
        if suspects.ended(tag) {
            timers.schedule(.quietAfterSuspects, at: now + SuspectWatch.quiet)
        }
        guard let job = entry.item.job else { return }
        promote(job.id, after: tag, at: now)
    }

    mutating func promote(_ id: JobID, after tag: DeliveryTag, at now: MonotonicTime) {
        guard let place = companies.index(forKey: id), companies.values[place].leader == tag else { return }
        while let follower = companies.values[place].followers.popFirst() {
            guard let entry = entries[follower], entry.state == .following, let job = entry.item.job else { continue }
            companies.values[place].leader = follower
            return enqueueAgain(follower, job, at: now)
        }
        companies.remove(at: place)
    }

    /// The worker wants another try with it at `time`; until then it occupies nobody.
    mutating func putBack(_ item: Item, until time: MonotonicTime, at now: MonotonicTime) {
        let tag = item.message.tag
        guard let entry = entries[tag] else { return }
        leave(entry, at: now)
        entries[tag] = Entry(item: item, state: .delayed, hasPlace: entry.hasPlace)
        // Once: should that turn lead back here, it waits as it is told.
        if let job = item.job, reserved.contains(job.id), entry.state != .running(.park) {
            return keepHouse(tag, .park)
        }
        timers.schedule(.ready(tag), at: time)
    }

    mutating func leave(_ entry: Entry, at now: MonotonicTime) {
        guard case .running(let mandate) = entry.state, occupiesCall(entry.item, mandate) else {
            // It may have been what the account was remembered for.
            if let job = entry.item.job { offerOrForget(job.account, at: now) }
            return
        }
        runningCalls -= 1
        guard let job = entry.item.job else { return }
        if let began = entry.began { callTime += (min(now - began, Self.longestCallTime) - callTime) / 8 }
        accounts[job.account]?.running -= 1
        offerOrForget(job.account, at: now)
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
