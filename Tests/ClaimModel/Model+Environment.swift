/// Network, API, time, and whoever gives orders.
extension Model {
    func addEnvironment(_ system: SystemState) {
        var next = system
        for job in system.jobNumbers {
            if system.jobs[job].flight != nil { addFlight(system, of: job) }
            next.jobs[job].row?.tick()
            if let flight = system.jobs[job].flight {
                // At the last moment it might still have arrived; now it never will.
                if flight == 0 { end(&next, job, .silent) } else { next.jobs[job].flight = flight - 1 }
            }
        }
        if mutant != .slotHasNoEnd { next.slot.tick() }
        for index in 0...1 where next.workers[index].hasWindow {
            next.workers[index].claimAge = min(next.workers[index].claimAge + 1, WorkerState.longestClaimAge)
        }
        // Whoever has something to do does it first: no job may need a worker to dawdle.
        if next != system {
            add(next, .timePasses, isFair: system.workers.first.isWaiting && system.workers.second.isWaiting)
        }
    }

    private func addFlight(_ system: SystemState, of job: Int) {
        let hasLeft = system.jobs[job].hasLeft
        var landed = system
        end(&landed, job, hasLeft ? .notMember : .left)
        landed.jobs[job].hasLeft = true
        add(landed, .callLands)
        var lost = system
        end(&lost, job, .silent)
        add(lost, .callIsLost, isFair: false)
        guard (0...1).contains(where: { system.workers[$0].isFlying && system.workers[$0].job == job }) else { return }
        var refused = system
        end(&refused, job, hasLeft ? .notMember : .refused)
        add(refused, .callIsRefused, isFair: false)
        guard scenario.hasVagueAnswers else { return }
        var failed = system
        end(&failed, job, .faulty)
        add(failed, .callFailsWithout, isFair: false)
        failed.jobs[job].hasLeft = true
        add(failed, .callFailsWithEffect, isFair: false)
    }

    /// Ends the flight; whoever waits for it gets the answer.
    private func end(_ system: inout SystemState, _ job: Int, _ answer: CallAnswer) {
        system.jobs[job].flight = nil
        for index in 0...1 where system.workers[index].isFlying && system.workers[index].job == job {
            system.workers[index].detail = answer.rawValue
        }
    }

    func addOrders(_ system: SystemState) {
        for number in system.jobNumbers {
            for generation in 0...1 where system.jobs[number].results[generation].outcome != nil {
                guard !system.jobs[number].results[generation].isPublished else { continue }
                var next = system
                next.jobs[number].results[generation].isPublished = true
                add(next, .sweeps)
            }
        }
        let job = system.jobs.first
        if job.cancelSeen != .none { add(system, .cancelEnds) { $0.finishCancelled(&$1) } }
        if job.lostSeen != .none {
            add(system, .lostEnds, isFair: scenario.losesCopies) { $0.finishLost(&$1) }
        } else if let row = job.row, !row.isFinished, row.copyIsPublished, row.due == RowState.earliestDue,
            scenario.losesCopies || system.budget.orders > 0
        {
            var next = system
            next.jobs.first.lostSeen = .current
            next.jobs.first.seenInDoubt = row.isAmbiguous || row.hasOpenIntent
            if !scenario.losesCopies { next.budget.orders -= 1 }
            add(next, .lostIsRead, isFair: scenario.losesCopies)
        }
        if system.budget.redrives > 0, let row = job.row, row.generation == 0, row.isFinished,
            row.deadLetterIsPublished
        {
            switch job.results[0].outcome {
            case .failedWithoutEffect, .failedInDoubt:
                var next = system
                next.budget.redrives -= 1
                next.ready[Message.index(generation: 1, copy: 0)] += 1
                add(next, .redrives, isFair: false)
            default: break
            }
        }
        guard system.budget.orders > 0, job.cancelSeen == .none, job.lostSeen == .none else { return }
        var next = system
        next.budget.orders -= 1
        if scenario.losesCopies {
            // One that the ledger knows to wait: of what is lost elsewhere nothing can know.
            guard let row = job.row, row.due != nil else { return }
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
