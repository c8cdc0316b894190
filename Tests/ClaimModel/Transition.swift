/// What happens between two states; the names are what a trace prints.
enum Action: UInt8, CaseIterable {
    case takesDelivery, hasAnotherTurn, looks, presumesNew, asksForQuestion, asksForCall
    case endsWithoutCall, parksWithoutCall, postpones
    case claimCommits, claimFindsNoSlot, claimIsLost, hearsClaim, losesClaimAnswer, losesClaimAnswerAndWithdraws
    case sends, doesNotSend, withdraws
    case albumAnswers, albumCannotTell, hearsAlbum, losesAlbumAnswer
    case hearsAnswer, parksAfterAnswer, endsAfterAnswer
    case givesUp, parksUnheard, endsUnheard
    case records, recordsAndLosesAnswer
    case publishesResult, publishesCopy, marksCopy, stepsAside, acks
    case crashes, losesLink
    case callLands, callIsLost, callIsRefused, callFailsWithEffect, callFailsWithout
    case timePasses
    case publisherCancels, operatorCancels, cancelEnds, lostIsRead, lostEnds, copyIsLost, sweeps, redrives
}

struct Transition {
    var next: Code
    var action: Action
    /// Nil: not a worker's.
    var worker: Int?
    /// The two workers have changed their names, see `SystemState.canonical`.
    var isRenamed: Bool
    /// Needs no fault, no order and nobody's whim: a job must come to its end by such alone.
    var isFair: Bool
    var broken: Property?
}

/// All transitions from a state.
final class Model {
    let scenario: Scenario
    let mutant: Mutant?
    private let keepsAllTimes: Bool
    private(set) var transitions: [Transition] = []

    /// - Parameter keepsAllTimes: whether states differ in a time that nobody asks for; it is to find the same.
    init(_ scenario: Scenario, mutant: Mutant?, keepsAllTimes: Bool = false) {
        (self.scenario, self.mutant, self.keepsAllTimes) = (scenario, mutant, keepsAllTimes)
    }

    var start: SystemState {
        var system = SystemState()
        system.hasTwoJobs = scenario.hasTwoJobs
        for job in system.jobNumbers { system.ready[Message.index(job: job, copy: 0)] = 1 }
        system.budget = scenario.budget
        return system
    }

    func explore(_ system: SystemState) {
        transitions.removeAll(keepingCapacity: true)
        for index in 0...1 {
            take(system, index)
            fail(system, index)
        }
        addEnvironment(system)
        addOrders(system)
    }

    func add(
        _ system: SystemState, _ action: Action, by worker: Int? = nil, isFair: Bool = true, broken: Property? = nil
    ) {
        var system = system
        system.forgetLeases()
        for job in system.jobNumbers where !dueMatters(system, job) { system.jobs[job].row?.due = nil }
        let (code, isRenamed) = system.canonical
        transitions.append(
            Transition(
                next: code, action: action, worker: worker, isRenamed: isRenamed, isFair: isFair, broken: broken))
    }

    /// When a copy is due is asked for an older one of its generation, and for lost ones. Where nobody asks, states that
    /// differ in it alone are one.
    private func dueMatters(_ system: SystemState, _ job: Int) -> Bool {
        let job = system.jobs[job]
        return keepsAllTimes || scenario.losesCopies || system.budget.orders > 0 || job.lostSeen != .none
            || job.row.map { $0.copy > 0 } ?? false
    }

    // MARK: Faults

    private func fail(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        let isOwner = system.jobNumbers.contains { system.jobs[$0].owner == index }
        if system.budget.crashes > 0, worker.step != .idle || isOwner {
            var next = system
            next.budget.crashes -= 1
            if worker.hasDelivery { next.ready[worker.message] += 1 }
            next.workers[index] = WorkerState()
            for job in system.jobNumbers where next.jobs[job].owner == index { next.jobs[job].owner = nil }
            add(next, .crashes, by: index, isFair: false)
        }
        if system.budget.lostLinks > 0, worker.hasDelivery {
            var next = system
            next.budget.lostLinks -= 1
            next.ready[worker.message] += 1
            next.workers[index].hasDelivery = false
            add(next, .losesLink, by: index, isFair: false)
        }
    }
}
