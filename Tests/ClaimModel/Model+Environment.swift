/// Network, API, time, and whoever gives orders.
extension Model {
    func addEnvironment(_ system: SystemState) {
        if system.flight != nil { addFlight(system) }
        var next = system
        next.row?.tick()
        for index in 0...1 where next.workers[index].hasWindow {
            next.workers[index].claimAge = min(next.workers[index].claimAge + 1, WorkerState.longestClaimAge)
        }
        if let flight = system.flight {
            // At the last moment it might still have arrived; now it never will.
            if flight == 0 { end(&next, .silent) } else { next.flight = flight - 1 }
        }
        // Whoever has something to do does it first: no job may need a worker to dawdle.
        if next != system {
            add(next, .timePasses, isFair: system.workers.first.isWaiting && system.workers.second.isWaiting)
        }
    }

    private func addFlight(_ system: SystemState) {
        var landed = system
        end(&landed, system.hasLeft ? .notMember : .left)
        landed.hasLeft = true
        add(landed, .callLands)
        var lost = system
        end(&lost, .silent)
        add(lost, .callIsLost, isFair: false)
        guard system.workers.first.isFlying || system.workers.second.isFlying else { return }
        var refused = system
        end(&refused, system.hasLeft ? .notMember : .refused)
        add(refused, .callIsRefused, isFair: false)
        guard scenario.hasVagueAnswers else { return }
        var failed = system
        end(&failed, .faulty)
        add(failed, .callFailsWithout, isFair: false)
        failed.hasLeft = true
        add(failed, .callFailsWithEffect, isFair: false)
    }

    /// Ends the flight; whoever waits for it gets the answer.
    private func end(_ system: inout SystemState, _ answer: CallAnswer) {
        system.flight = nil
        for index in 0...1 where system.workers[index].isFlying { system.workers[index].detail = answer.rawValue }
    }

    func addOrders(_ system: SystemState) {
        for generation in 0...1 where system.results[generation].outcome != nil {
            guard !system.results[generation].isPublished else { continue }
            var next = system
            next.results[generation].isPublished = true
            add(next, .sweeps)
        }
        if system.cancelSeen != .none { add(system, .cancelEnds) { $0.finishCancelled(&$1) } }
        if system.lostSeen != .none {
            add(system, .lostEnds, isFair: scenario.losesCopies) { $0.finishLost(&$1) }
        } else if let row = system.row, !row.isFinished, row.copyIsPublished, row.due == RowState.earliestDue,
            scenario.losesCopies || system.budget.orders > 0
        {
            var next = system
            next.lostSeen = .current
            next.seenInDoubt = row.isAmbiguous || row.hasOpenIntent
            if !scenario.losesCopies { next.budget.orders -= 1 }
            add(next, .lostIsRead, isFair: scenario.losesCopies)
        }
        if system.budget.redrives > 0, let row = system.row, row.generation == 0, row.isFinished,
            row.deadLetterIsPublished
        {
            switch system.results[0].outcome {
            case .failedWithoutEffect, .failedInDoubt:
                var next = system
                next.budget.redrives -= 1
                next.ready[Message.index(generation: 1, copy: 0)] += 1
                add(next, .redrives, isFair: false)
            default: break
            }
        }
        guard system.budget.orders > 0, system.cancelSeen == .none, system.lostSeen == .none else { return }
        var next = system
        next.budget.orders -= 1
        if scenario.losesCopies {
            // One that the ledger knows to wait: of what is lost elsewhere nothing can know.
            guard let row = system.row, row.due != nil else { return }
            let copy = Message.index(generation: row.generation, copy: row.copy)
            guard system.ready[copy] > 0 else { return }
            next.ready[copy] -= 1
            return add(next, .copyIsLost, isFair: false)
        }
        add(next, .publisherCancels) { $0.cancel(&$1) }
        add(next, .operatorCancels) { $0.cancelForGood(&$1) }
    }

    private func add(
        _ system: SystemState, _ action: Action, isFair: Bool = false,
        _ commit: (inout SharedLedger, inout SystemState) -> Void
    ) {
        var ledger = SharedLedger(mutant: mutant)
        var next = system
        commit(&ledger, &next)
        add(next, action, isFair: isFair, broken: ledger.broken)
    }
}
