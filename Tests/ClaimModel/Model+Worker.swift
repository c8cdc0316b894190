import Ledger

/// What one worker does next.
extension Model {
    func take(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        switch worker.step {
        case .idle:
            for message in Message.all(hasTwoJobs: system.hasTwoJobs) where system.ready[message] > 0 {
                var next = system
                next.ready[message] -= 1
                next.workers[index] = WorkerState(step: .delivered, message: message, hasDelivery: true)
                add(next, .takesDelivery, by: index)
            }
        case .delivered: look(system, index)
        case .waiting: move(system, index, .hasAnotherTurn) { $0.takeTurn() }
        case .decide: decide(system, index)
        case .presuming: claim(system, index, .call, presumesNew: true)
        case .claimingCall: claim(system, index, .call)
        case .claimingQuestion: claim(system, index, .albumQuery)
        case .claimedCall: hearClaim(system, index, then: .atGate)
        case .claimedQuestion: hearClaim(system, index, then: .atQuestion)
        case .atGate: send(system, index)
        case .atQuestion: ask(system, index)
        case .calling: hear(system, index)
        case .asked: hearAlbum(system, index)
        case .recording: record(system, index)
        case .withdrawing: withdraw(system, index)
        case .publishingResult, .publishingCopy, .markingCopy, .steppingAside, .acking: publish(system, index)
        }
    }

    private func move(
        _ system: SystemState, _ index: Int, _ action: Action, isFair: Bool = true,
        _ change: (inout WorkerState) -> Void
    ) {
        var next = system
        change(&next.workers[index])
        add(next, action, by: index, isFair: isFair)
    }

    // MARK: Look and decide

    private func look(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        let lookup = SharedLedger(mutant: mutant).lookUp(system, worker.message)
        move(system, index, .looks) { worker in
            switch lookup {
            case .fresh(let isAmbiguous, _): worker.decide(isAmbiguous: isAmbiguous)
            case .resumed(let open), .overdue(let open): worker.decide(isAmbiguous: open.isAmbiguous)
            case .parked, .superseded: worker.ack()
            case .unparked(let open):
                worker.restart()
                worker.go(
                    .publishingCopy, Message.index(job: worker.job, generation: open.generation, copy: open.copy))
            case .leased:
                worker.restart()
                if mutant == .dropsWhenLeased { worker.go(.acking) } else { worker.record(.steppedAside) }
            case .cancelled(let open):
                worker.restart()
                worker.isAmbiguous = open?.isAmbiguous ?? false
                worker.record(open?.hasCalled ?? false ? .failedInDoubt : .failedWithoutEffect)
            case .finished(let finished):
                if finished.resultIsPublished, finished.deadLetterIsPublished {
                    worker.ack()
                } else {
                    worker.restart()
                    worker.go(.publishingResult)
                }
            case .conflict: preconditionFailure("the job is of one account and one album")
            }
        }
        if worker.generation == 0, worker.copy == 0, worker.decided == .none {
            move(system, index, .presumesNew) {
                $0.restart()
                $0.go(.presuming)
            }
        }
    }

    private func decide(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        if worker.isAmbiguous, worker.album == .unknown, mutant != .noQuestion {
            move(system, index, .asksForQuestion) { $0.go(.claimingQuestion) }
        } else {
            move(system, index, .asksForCall) { $0.go(.claimingCall) }
        }
        guard scenario.hasDenials else { return }
        move(system, index, .endsWithoutCall, isFair: false) { $0.record($0.failure) }
        if mayPark(system, worker) {
            move(system, index, .parksWithoutCall, isFair: false) { $0.record(.parked) }
        }
        if system.job(of: index).row != nil { move(system, index, .postpones, isFair: false) { $0.record(.postponed) } }
    }

    private func mayPark(_ system: SystemState, _ worker: WorkerState) -> Bool {
        let newest = system.jobs[worker.job].row.map { $0.generation == worker.generation ? $0.copy : 0 } ?? 0
        return max(newest, worker.copy) < min(scenario.lastCopy, Message.lastCopy(of: worker.generation))
    }

    // MARK: Claim

    private func claim(_ system: SystemState, _ index: Int, _ kind: Claim.Kind, presumesNew: Bool = false) {
        var ledger = SharedLedger(mutant: mutant)
        var next = system
        var action = Action.claimCommits
        switch ledger.claim(&next, by: index, kind, presumesNew: presumesNew) {
        case .granted: next.workers[index].go(kind == .call ? .claimedCall : .claimedQuestion)
        case .refused: next.workers[index].restart()
        case .busy:
            action = .claimFindsNoSlot
            // What was heard holds, as in another turn.
            next.workers[index].takeTurn()
            next.workers[index].go(mutant == .dropsWhenBusy ? .acking : .waiting)
        }
        add(next, action, by: index, broken: ledger.broken)
        move(system, index, .claimIsLost, isFair: false) { $0.takeTurn() }
    }

    private func hearClaim(_ system: SystemState, _ index: Int, then step: Step) {
        move(system, index, .hearsClaim) { worker in
            worker.go(step)
            if mutant == .windowFromTheAnswer { worker.claimAge = 0 }
            worker.decided = worker.lease
        }
        guard system.budget.lostAnswers > 0 else { return }
        var next = system
        next.budget.lostAnswers -= 1
        move(next, index, .losesClaimAnswer, isFair: false) { $0.takeTurn() }
        move(next, index, .losesClaimAnswerAndWithdraws, isFair: false) { worker in
            (worker.album, worker.decided) = (.unknown, .none)
            worker.go(.withdrawing)
        }
    }

    private func withdraw(_ system: SystemState, _ index: Int) {
        var ledger = SharedLedger(mutant: mutant)
        var next = system
        ledger.withdraw(&next, by: index)
        if mutant == .withdrawnDecisionIsKept {
            (next.workers[index].lease, next.workers[index].decided) = (.none, .none)
            next.workers[index].go(.decide)
        } else {
            next.workers[index].takeTurn()
        }
        add(next, .withdraws, by: index, broken: ledger.broken)
    }

    // MARK: Call and question

    private func send(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        let isOpen = worker.claimAge <= Ticks.sendWindow || mutant == .noGate
        if isOpen {
            var next = system
            next.jobs[worker.job].flight = Ticks.timeLimit + Ticks.grace
            next.workers[index].go(.calling, CallAnswer.flying.rawValue)
            add(next, .sends, by: index, broken: wrong(system, worker))
        }
        move(system, index, .doesNotSend, isFair: !isOpen) { $0.go(.withdrawing) }
    }

    /// What is wrong with a call that begins now. An album that cannot tell proves nothing to anybody.
    private func wrong(_ system: SystemState, _ worker: WorkerState) -> Property? {
        let job = system.jobs[worker.job]
        if job.flight != nil { return .oneCallAtATime }
        if system.hasTwoJobs, system.jobs[1 - worker.job].flight != nil { return .oneCallOfAnAccount }
        if let row = job.row, row.isFinished || row.generation > worker.generation {
            switch job.results[worker.generation].outcome {
            case .left, .alreadyLeft: if worker.album != .cannotTell { return .noCallAfterTheResult }
            default: return .noCallAfterTheResult
            }
        }
        return job.hasLeft && worker.album != .cannotTell ? .noCallForOneWhoLeft : nil
    }

    private func ask(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        move(system, index, .albumAnswers) {
            $0.go(.asked)
            $0.album = system.jobs[worker.job].hasLeft ? .notMember : .member
        }
        guard scenario.hasVagueAnswers else { return }
        move(system, index, .albumCannotTell, isFair: false) {
            $0.go(.asked)
            $0.album = .cannotTell
        }
    }

    private func hearAlbum(_ system: SystemState, _ index: Int) {
        move(system, index, .hearsAlbum) { worker in
            if worker.album == .notMember {
                worker.record(.alreadyLeft)
            } else if mutant == .questionIsNotRecorded {
                worker.go(.decide)
            } else {
                worker.record(.callEnded)
            }
        }
        move(system, index, .losesAlbumAnswer, isFair: false) {
            $0.album = .unknown
            $0.record(.callEnded)
        }
    }

    private func hear(_ system: SystemState, _ index: Int) {
        let worker = system.workers[index]
        guard let answer = worker.callAnswer else { preconditionFailure("a call has an answer or none yet") }
        switch answer {
        case .flying, .silent: break
        case .left: move(system, index, .hearsAnswer) { $0.record(.left) }
        case .notMember: move(system, index, .hearsAnswer) { $0.record(.alreadyLeft) }
        case .refused, .faulty:
            var next = system
            next.workers[index].hear(answer)
            move(next, index, .hearsAnswer) { $0.record(.callEnded) }
            move(next, index, .endsAfterAnswer, isFair: false) { $0.record($0.failure) }
            if mayPark(system, worker) { move(next, index, .parksAfterAnswer, isFair: false) { $0.record(.parked) } }
        }
        var next = system
        next.workers[index].hear(.silent)
        move(next, index, .givesUp, isFair: answer == .silent) { $0.record(.callEnded, isUnheard: true) }
        move(next, index, .endsUnheard, isFair: false) { $0.record($0.failure, isUnheard: true) }
        if mayPark(system, worker) {
            move(next, index, .parksUnheard, isFair: false) { $0.record(.parked, isUnheard: true) }
        }
    }
}
