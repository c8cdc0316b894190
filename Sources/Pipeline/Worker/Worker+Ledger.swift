import Clocks
import Jobs
import Ledger
import Messages

/// Whether a call may begin.
enum Claiming: Equatable, Sendable {
    /// The intent is durable.
    case claimed
    /// The ledger knows otherwise than the claim presumed.
    case refused(LookupResult)
    /// What is left of the day is no longer what admission saw: begin again.
    case outOfDate
    /// Other workers have what the account may call. It is left alone until then.
    case busy(until: MonotonicTime)
    /// Another member of the cluster tests the holds now.
    case outOfTurn
    case ledgerIsAway
}

/// Why a record was not written.
enum RecordRefusal: Error, Sendable {
    /// The job has ended, or is another worker's by now: what stands decides.
    case overtaken
    /// The ledger was closed: the delivery goes back to the broker, and the next worker finds the open intent.
    case closed
}

/// The ledger's answers.
extension Worker {
    /// The ledger's own health decides when work goes on; this only keeps one job from asking in a loop.
    static let ledgerRetry = Duration.seconds(1)

    /// Nil: the ledger cannot answer now.
    func lookUp(_ arrival: Arrival) async -> LookupResult? {
        do throws(LedgerError) {
            return try await ledger.lookUp(arrival, at: clock.wall())
        } catch {
            onEvent(.ledgerRefused(.init(jobID: arrival.jobID, detail: error.description)))
            return nil
        }
    }

    /// Writes the intent, and ends an older generation that is open in the same commit. What the claim does not get it
    /// does not change. `isFirst`: of this run. A job that has called asks or calls on, even beyond the day's share.
    ///
    /// A kill after an older generation ended by it finds that one's result recorded and not confirmed: the sweep of
    /// unpublished results has it then.
    func claim(_ run: inout JobRun, isFirst: Bool, presumesNew: Bool = false) async -> Claiming {
        hook(.claim, .before)
        run.claimAsked = clock.now()
        do throws(LedgerError) {
            guard try await mayProbe(&run) else { return .outOfTurn }
        } catch {
            onEvent(.ledgerRefused(.init(jobID: run.jobID, detail: error.description)))
            return .ledgerIsAway
        }
        let now = clock.wall()
        let isBulk = run.item.originLane == .bulk
        if !isFirst { await budget.prepare(isBulk: isBulk, at: now) }
        guard let ticket = budget.take(isBulk: isBulk, mustBeWithin: isFirst, at: now) else { return .outOfDate }
        let closed = run.predecessor.map { ClosedGeneration($0, closedBy: run, at: now) }
        let claim = Claim(
            arrival: run.arrival, kind: run.mustQueryAlbum ? .albumQuery : .call, day: budget.dayName(at: now), at: now,
            attempts: run.progress.attempts, isAmbiguous: run.progress.isAmbiguous,
            malformedAnswers: run.progress.malformedAnswers, decidedUnder: run.item.decidedUnder,
            closing: closed?.result, presumesNew: presumesNew,
            limits: ledger.sharesAccounts ? configuration.accountLimits : nil, allottedTo: ticket.allottedTo)
        do throws(LedgerError) {
            switch try await ledger.claim(claim) {
            case .claimed(let open, let lease):
                budget.settle(ticket, isClaimed: true)
                dispatcher.callBegan(run.job.account)
                run.claimed(open, under: lease, counting: (ticket, claim.kind))
                if closed != nil { (run.predecessor, run.closed) = (nil, closed) }
                run.item.trace?.note("claimed")
                hook(.claim, .after)
                return .claimed
            case .refused(let lookup):
                budget.settle(ticket, isClaimed: false)
                return .refused(lookup)
            case .busy(let busy):
                budget.settle(ticket, isClaimed: false)
                return .busy(until: dispatcher.leaveAlone(run.job.account, busy))
            case .notAllotted:
                budget.lose(ticket)
                return .outOfDate
            }
        } catch {
            budget.lose(ticket)
            onEvent(.ledgerRefused(.init(jobID: run.jobID, detail: error.description)))
            return .ledgerIsAway
        }
    }

    /// Whether the job may call in a hold: one member of the cluster at a time does, until the call must have ended. A
    /// kill after this keeps the others from probing for as long as that.
    private func mayProbe(_ run: inout JobRun) async throws(LedgerError) -> Bool {
        run.probeBeginsBefore = nil
        guard run.isProbe, let relay else { return true }
        switch dispatcher.probePermission {
        case .notNeeded: return true
        case .over: return false
        case .turn(let fence):
            run.probeBeginsBefore = try await relay.renew(fence: fence, dispatcher)
            return run.probeBeginsBefore != nil
        }
    }

    /// Closes the intent: the call ended, and another, or a wait, comes before the job's end. Nil: it is written; else
    /// what becomes of the delivery.
    func callEnded(_ run: JobRun) async -> Disposition? {
        let record = Record.callEnded(
            run.arrival, attempts: run.progress.attempts, isAmbiguous: run.progress.isAmbiguous,
            malformedAnswers: run.progress.malformedAnswers)
        do throws(RecordRefusal) {
            try await self.record(record, of: run)
            return nil
        } catch {
            switch error {
            case .overtaken: return lookAgain(run)
            case .closed: return .returnToBroker
            }
        }
    }

    /// Another turn at once, which begins with what the ledger knows by then, and with nothing that this run heard.
    ///
    /// What overtook it needs nothing of this delivery, having one of its own. So this one could be returned or dropped;
    /// but a return would count against the job, and a drop would rest on the other delivery alone. The lookup tells
    /// what it is good for: it steps aside while the other's lease runs, gets the stored result if the job has ended, is
    /// acked if a newer copy waits, or goes on.
    func lookAgain(_ run: JobRun) -> Disposition {
        var run = run
        run.item = run.item.forgettingDecisions()
        return .retry(run, at: clock.now())
    }

    /// Waits out a ledger that cannot commit. Returns the number of the copy to publish for `parked`, else the row's.
    @discardableResult
    func record(_ record: Record, of run: JobRun) async throws(RecordRefusal) -> Int {
        try await self.record(record, under: run.lease, isUnheard: run.isUnheard)
    }

    @discardableResult
    func record(_ record: Record, under lease: Lease?, isUnheard: Bool) async throws(RecordRefusal) -> Int {
        hook(.record, .before)
        let recorded: Recorded
        do throws(LedgerError) {
            recorded = try await ledger.record(record, under: lease, isUnheard: isUnheard)
        } catch {
            onEvent(.ledgerRefused(.init(jobID: record.arrival.jobID, detail: error.description)))
            throw .closed
        }
        hook(.record, .after)
        switch recorded {
        case .copy(let number): return number
        case .alreadyEnded: throw .overtaken
        case .fenced:
            onEvent(.fenced(.init(jobID: record.arrival.jobID, generation: record.arrival.generation)))
            throw .overtaken
        }
    }
}
