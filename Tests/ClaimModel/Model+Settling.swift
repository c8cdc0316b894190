import Ledger

/// Record, publish, mark, ack.
extension Model {
    func record(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        guard let outcome = Outcome(rawValue: worker.detail) else { preconditionFailure("it records something") }
        var ledger = SharedLedger(mutant: mutant)
        var next = system
        let ruling = ledger.record(&next, by: index, outcome, isUnheard: worker.isUnheard)
        if system.budget.lostAnswers > 0, next != system, mayRecordAgain(next, worker, outcome) {
            var unheard = next
            unheard.budget.lostAnswers -= 1
            add(unheard, .recordsAndLosesAnswer, by: index, isFair: false, broken: ledger.broken)
        }
        switch ruling {
        case .save, .unchanged: settle(&next, index, outcome, &ledger)
        case .alreadyEnded: next.workers[index].restart()
        case .fenced:
            next.workers[index].restart()
            if mutant == .dropsWhenFenced { next.workers[index].ack() }
        }
        add(next, .records, by: index, broken: ledger.broken)
        guard outcome == .callEnded, !worker.isUnheard, worker.album != .unknown else { return }
        // A wait in hand ends with another turn, which looks the job up.
        if case .save = ruling {
            next.workers[index].takeTurn()
            add(next, .records, by: index, broken: ledger.broken)
        }
    }

    /// A copy that is decided twice takes two numbers.
    private func mayRecordAgain(_ system: SystemState, _ worker: WorkerState, _ outcome: Outcome) -> Bool {
        guard outcome == .parked, let row = system.jobs[worker.job].row else { return true }
        return max(row.copy, worker.copy) < Message.lastCopy(of: worker.generation)
    }

    private func settle(_ system: inout SystemState, _ index: Int, _ outcome: Outcome, _ ledger: inout SharedLedger) {
        var worker = system.workers[index]
        switch outcome {
        case .left, .alreadyLeft, .failedWithoutEffect, .failedInDoubt:
            worker.restart()
            worker.go(.publishingResult)
        case .parked:
            let (job, generation) = (worker.job, worker.generation)
            let copy = system.jobs[job].row?.copy ?? 0
            worker.restart()
            worker.go(.publishingCopy, Message.index(job: job, generation: generation, copy: copy))
            if mutant == .acksBeforeTheCopy { worker.hasDelivery = false }
            if mutant == .marksBeforeTheCopy { ledger.mark(&system, job, .copy(copy), generation: generation) }
        case .callEnded:
            if worker.isUnheard || worker.album == .unknown { worker.takeTurn() } else { worker.go(.decide) }
        case .postponed, .steppedAside:
            worker.restart()
            worker.go(.steppingAside)
        }
        system.workers[index] = worker
    }

    func publish(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        var ledger = SharedLedger(mutant: mutant)
        var next = system
        let action: Action
        switch worker.step {
        case .publishingResult:
            action = .publishesResult
            ledger.mark(&next, worker.job, .result, generation: worker.generation)
            ledger.mark(&next, worker.job, .deadLetter, generation: worker.generation)
            next.workers[index].ack()
        case .publishingCopy:
            action = .publishesCopy
            next.ready[worker.detail] += 1
            next.workers[index].go(.markingCopy, worker.detail)
        case .markingCopy:
            action = .marksCopy
            ledger.mark(&next, worker.job, .copy(Message.copy(worker.detail)), generation: worker.generation)
            next.workers[index].ack()
        case .steppingAside:
            action = .stepsAside
            next.ready[worker.message] += 1
            next.workers[index].ack()
        case .acking:
            action = .acks
            next.workers[index] = WorkerState()
        default: preconditionFailure("nothing is published at \(worker.step)")
        }
        add(next, action, by: index, broken: ledger.broken)
    }
}

extension WorkerState {
    mutating func decide(isAmbiguous: Bool) {
        takeTurn()
        self.isAmbiguous = isAmbiguous
        go(.decide)
    }

    /// What an answer, or none, tells it.
    mutating func hear(_ answer: CallAnswer) {
        switch answer {
        case .refused:
            // Nothing has changed since, and nothing needs to be asked.
            if album == .unknown, !isAmbiguous { album = .member }
        case .faulty, .silent, .flying: (isAmbiguous, album) = (true, .unknown)
        case .left, .notMember: break
        }
    }

    /// How the job ends if it fails now.
    var failure: Outcome {
        !isAmbiguous || album == .member && lease != .none ? .failedWithoutEffect : .failedInDoubt
    }
}
