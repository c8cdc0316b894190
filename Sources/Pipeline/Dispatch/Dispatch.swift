import AMQP
import Clocks
import Jobs
import Messages

/// Everything in flight and whose turn it is: a value, so that its rules read as a transcript in the tests.
///
/// Three types divide the work: `Dispatch` knows the deliveries, their lanes and accounts, and no hold.
/// `DispatcherState` adds the `Gate` and the idle workers, and says what follows from a change. `Dispatcher` has that
/// state behind its lock, and is the one that others call.
///
/// Lanes take turns by weight; inside a lane, accounts take turns; inside an account, jobs keep their order. An
/// account that is busy or over its rate is in no queue of ready accounts, so it costs the others nothing. A second
/// delivery of a job in flight follows the first. What waited too long is parked.
struct Dispatch: Sendable {
    struct Limits: Sendable {
        /// Calls in flight for one account.
        var perAccount: Int
        /// 0 is no limit.
        var requestsPerMinutePerAccount: Int
        /// Deliveries are settled in under two minutes, long before the broker's consumer timeout.
        /// https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
        var longestWait = Duration.seconds(60)
        /// Deliveries of one lane that can be in flight at once; 0 is not known.
        var capacity = 0
        /// 0 is no limit.
        var requestsPerSecond = 0.0
        /// Whose jobs test a hold before all others.
        var canary: AccountID?
    }

    /// A class, because it is large and goes from list to list, and with a wake to its worker.
    final class Turn: Sendable {
        let item: InFlightMessage
        let action: TurnAction

        init(item: InFlightMessage, action: TurnAction) {
            self.item = item
            self.action = action
        }
    }

    enum State: Equatable {
        case waiting
        /// Between two tries.
        case delayed
        /// Behind another delivery of the same job.
        case following
        case housekeeping(TurnAction)
        case running(TurnAction)
    }

    struct Entry {
        var item: InFlightMessage
        var state: State
        /// When its worker took it.
        var began: MonotonicTime?
        /// Whether the delivery fills a place of its account and is not being settled.
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

    /// The deliveries of one job in flight.
    struct DuplicateGroup {
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
    var duplicateGroups: [JobID: DuplicateGroup] = [:]
    /// Jobs that were in flight and no longer are, since somebody asked to know them.
    private var leftJobs: Set<JobID>?
    var missingJobs = MissingJobs()
    /// Jobs that an operator ends.
    var reserved: Set<JobID> = []
    var accounts: [AccountID: AccountQueue] = [:]
    var readyAccounts = PerLane(repeating: FIFO<AccountID>())
    var turns = LaneTurns()
    var housekeeping = FIFO<DeliveryTag>()
    var windows = PerLane(repeating: LaneWindow())
    var backlogProbes = PerLane(repeating: BacklogProbe())
    var suspects = SuspectWatch()
    var timers = TimerQueue<Timer>()
    /// When each delivery in flight has waited too long, in the order of their arrival. Not a timer each: at thousands
    /// of jobs a second a minute of them would be megabytes, nearly all for deliveries that have ended.
    var waitLimits = FIFO<(tag: DeliveryTag, time: MonotonicTime)>()
    var runningCalls = 0
    /// Once other workers had what some account may call.
    var hasBusyAccounts = false
    /// How long a call holds its account, on average of late.
    var callTime = Duration.milliseconds(50)
    /// Of how many parts of the limit of calls a second this worker has one; 0 is none yet. Nil: it has the whole.
    var rateDivisor: Int?
    /// With a limit of calls per second: no call begins before.
    var nextCall: MonotonicTime?
    /// The mass jobs' share of the day is spent until then.
    var bulkOpensAt: MonotonicTime?

    init(limits: Limits) {
        self.limits = limits
    }

    var inFlight: Int { entries.count }
    var nextTimer: MonotonicTime? { .earliest(timers.earliest, waitLimits.first?.time) }

    /// When the delivery came that has been in flight the longest.
    var oldest: MonotonicTime? { entries.values.lazy.map(\.item.message.receivedAt).min() }

    /// Calls that workers make.
    var callsInFlight: Int { runningCalls }

    // MARK: Coming in

    /// Takes a message in. It is in flight until `end`.
    mutating func accept(_ item: InFlightMessage, at now: MonotonicTime) {
        let tag = item.message.tag
        let isLeader = item.job.map { duplicateGroups[$0.id, default: DuplicateGroup(leader: tag)].join(tag) } ?? true
        let previous = entries.updateValue(
            Entry(item: item, state: isLeader ? .waiting : .following, hasPlace: item.job != nil), forKey: tag)
        precondition(previous == nil, "the broker gives each delivery of a connection its own tag")
        waitLimits.append((tag, now + limits.longestWait))
        takePlace(item, at: now)
        guard let job = item.job else { return queueForSettlement(tag, .work) }
        missingJobs.delivered(job.id)
        if isLeader { enqueue(tag, item, job, at: now) }
        makeSpace(in: item.lane, for: tag, of: job.account, at: now)
        if item.jobHeaders.suspect == 0 { suspects.sawOrdinary() }
    }

    /// Gives a waiting delivery its place.
    private mutating func enqueue(
        _ tag: DeliveryTag, _ item: InFlightMessage, _ job: Job, first: Bool = false, at now: MonotonicTime
    ) {
        guard item.lane != .broken else { return queueForSettlement(tag, .work) }
        guard !reserved.contains(job.id) else { return queueForSettlement(tag, .awaitTurn) }
        guard item.jobHeaders.suspect == 0 else { return suspects.add(tag) }
        accounts[job.account, default: AccountQueue()].add(tag, lane: item.lane, first: first)
        offer(job.account, at: now)
    }

    /// Gives a delivery its place that waited for another or for its time.
    mutating func enqueueAgain(_ tag: DeliveryTag, _ job: Job, first: Bool = false, at now: MonotonicTime) {
        guard let place = entries.index(forKey: tag) else { return }
        entries.values[place].state = .waiting
        enqueue(tag, entries.values[place].item, job, first: first, at: now)
    }

    mutating func queueForSettlement(_ tag: DeliveryTag, _ action: TurnAction) {
        if !action.mayCall { giveUpPlace(tag) }
        entries[tag]?.state = .housekeeping(action)
        housekeeping.append(tag)
    }

    // Accounts are changed in place: a copy of one takes a copy of all that waits in it, and through an optional an account
    // is taken out and put back.

    /// Puts the account among the ready ones of the lanes where it may have a turn; else arms the timer that will.
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
        case .ready(let entered):
            for lane in Lane.allCases where entered[lane] { readyAccounts[lane].append(name) }
        }
    }

    /// Offers the account, or forgets it when there is nothing to remember of it.
    mutating func offerOrForget(_ name: AccountID, at now: MonotonicTime) {
        guard let place = accounts.index(forKey: name) else { return }
        offerOrForget(name, place, at: now)
    }

    private mutating func offerOrForget(
        _ name: AccountID, _ place: Dictionary<AccountID, AccountQueue>.Index, at now: MonotonicTime
    ) {
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
        guard let place = duplicateGroups.index(forKey: id), duplicateGroups.values[place].leader == tag else { return }
        while let follower = duplicateGroups.values[place].followers.popFirst() {
            guard let entry = entries[follower], entry.state == .following, let job = entry.item.job else { continue }
            duplicateGroups.values[place].leader = follower
            return enqueueAgain(follower, job, at: now)
        }
        duplicateGroups.remove(at: place)
        leftJobs?.insert(id)
    }

    /// From now on it is noted which jobs leave, for `standIn`.
    mutating func noteLeavingJobs() { leftJobs = [] }

    mutating func forgetLeftJobs() { leftJobs = nil }

    /// Whether the job is in flight or was since `noteLeavingJobs`.
    func wasInFlight(_ id: JobID) -> Bool { duplicateGroups[id] != nil || leftJobs?.contains(id) == true }

    /// Delays the delivery until `time`, when a worker tries it again; until then it occupies no worker.
    mutating func delay(_ item: InFlightMessage, until time: MonotonicTime, at now: MonotonicTime) {
        let tag = item.message.tag
        guard let entry = entries[tag] else { return }
        leave(entry, at: now)
        entries[tag] = Entry(item: item, state: .delayed, hasPlace: entry.hasPlace)
        // Once: should that turn lead back here, it waits as it is told.
        if let job = item.job, reserved.contains(job.id), entry.state != .running(.awaitTurn) {
            return queueForSettlement(tag, .awaitTurn)
        }
        timers.schedule(.ready(tag), at: time)
    }

    mutating func leave(_ entry: Entry, at now: MonotonicTime) {
        guard case .running(let action) = entry.state, occupiesCall(entry.item, action) else {
            // It may have been what the account was remembered for.
            if let job = entry.item.job { offerOrForget(job.account, at: now) }
            return
        }
        runningCalls -= 1
        guard let job = entry.item.job else { return }
        if let began = entry.began { callTime += (min(now - began, Self.longestCallTime) - callTime) / 8 }
        guard let place = accounts.index(forKey: job.account) else { return }
        accounts.values[place].running -= 1
        offerOrForget(job.account, place, at: now)
    }

    /// Longest duration that a call counts as, so that one hanging call does not make all accounts look slow.
    private static let longestCallTime = Duration.seconds(2)

    /// A call for the account begins: it counts against the account's minute and the worker's second.
    mutating func callBegan(_ account: AccountID, at now: MonotonicTime) {
        if limits.requestsPerSecond > 0 {
            // Up to a second's calls that were not made may be made at once.
            let step = Duration.seconds(1) / limits.requestsPerSecond * max(1, rateDivisor ?? 1)
            nextCall = max(nextCall ?? now, now + .seconds(-1)) + step
        }
        if hasBusyAccounts { accounts[account]?.isBusyNoMore() }
        guard limits.requestsPerMinutePerAccount > 0 else { return }
        accounts[account, default: AccountQueue()].noteCall(limit: limits.requestsPerMinutePerAccount, at: now)
    }
}
