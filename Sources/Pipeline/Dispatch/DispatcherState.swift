import Clocks
import Jobs

/// What the dispatcher knows, and what follows from it: turns for idle workers, and what is to be consumed. A value:
/// `Dispatcher`, which locks it, wakes the workers and tells the inbox. See `Dispatch` for who does what.
struct DispatcherState {
    typealias Turns = [(worker: CheckedContinuation<Dispatch.Turn?, Never>, turn: Dispatch.Turn?)]

    var dispatch: Dispatch
    var gate: Gate
    var idle: [CheckedContinuation<Dispatch.Turn?, Never>] = []
    /// What the inbox was last told to consume.
    private(set) var consumption = Consumption.nothing
    /// Nothing is taken before there are workers, whatever changes meanwhile: a reload, a pause, a lost link.
    var isOpen = false
    var isTaking = true
    /// Callers that wait until no delivery of a job is in flight.
    var reservations: Reservations = [:]
    var alarm: (time: MonotonicTime, task: Task<Void, Never>)?

    private static let longestBulkWait = Duration.seconds(60)

    init(dispatch: Dispatch, gate: Gate) {
        self.dispatch = dispatch
        self.gate = gate
    }

    /// To be asked after every change. Gives the turns of workers, who are idle no more, and what is to be consumed
    /// from now on if that has changed.
    mutating func nextTurns(at now: MonotonicTime, wall: Timestamp) -> (Turns, Consumption?) {
        var turns: Turns = []
        guard isTaking else {
            turns = idle.map { ($0, dispatch.nextRelease(at: now)) }
            idle = []
            alarm?.task.cancel()
            alarm = nil
            return (turns, nil)
        }
        dispatch.advance(to: now)
        let hasUntried = gate.looksForProbes(at: now) && dispatch.hasProbe(at: now) { job, _ in gate.isUntried(job) }
        gate.advance(isCalling: dispatch.callsInFlight > 0, hasUntried: hasUntried, at: now, wall: wall)
        let releases = gate.isHolding && !gate.isProbing && !gate.keepsDeliveries(at: now)
        if gate.isHolding { dispatch.clearTheWay(keepsOne: !releases, isInTheWay: gate.isInTheWay) }
        if gate.isProbing, consumption == .fewAtATime { dispatch.clearAccountsThatWait(at: now) }
        if releases { dispatch.releaseWaiting() }
        while !idle.isEmpty, let turn = nextTurn(at: now) { turns.append((idle.removeLast(), turn)) }
        let wanted = wanted(releases: releases, at: now)
        guard wanted != consumption else { return (turns, nil) }
        consumption = wanted
        return (turns, wanted)
    }

    private mutating func nextTurn(at now: MonotonicTime) -> Dispatch.Turn? {
        let limit = gate.limit(at: now)
        guard gate.isProbing else { return dispatch.next(callLimit: limit, at: now) }
        let gate = self.gate
        let turn = dispatch.nextProbe(callLimit: limit, rank: { gate.rank($0, of: $1, at: now) }, at: now)
        if turn?.action == .probe, let account = turn?.item.job?.account { self.gate.chose(account, at: now) }
        return turn
    }

    private func wanted(releases: Bool, at now: MonotonicTime) -> Consumption {
        guard isOpen else { return .nothing }
        if gate.isProbing { return wantedInARound }
        if releases { return .nothing }
        // While nothing is sent out and all is kept, what is in flight is bounded by the prefetch: nothing to change.
        if gate.isHolding { return consumption }
        if dispatch.suspects.isOn { return .suspects }
        // Opening and closing a lane costs a channel: for a short while its messages wait in flight.
        let isBulkShut = dispatch.bulkOpensAt.map { $0 - now > Self.longestBulkWait } ?? false
        if isBulkShut { return .withoutBulk }
        return dispatch.bulkOpensAt != nil && consumption == .withoutBulk ? .withoutBulk : .everything
    }

    /// The consumption while a round runs: unchanged, or few messages a lane after a hold that released everything.
    private var wantedInARound: Consumption {
        if dispatch.suspects.isOn { return .suspects }
        switch consumption {
        case .everything: return .everything
        case .withoutBulk: return dispatch.bulkOpensAt == nil ? .everything : .withoutBulk
        case .nothing, .suspects, .fewAtATime: return .fewAtATime
        }
    }
}
