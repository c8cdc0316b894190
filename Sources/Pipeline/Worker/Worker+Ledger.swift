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
    case ledgerIsAway
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
        let now = clock.wall()
        let isBulk = run.item.originLane == .bulk
        guard let ticket = budget.take(isBulk: isBulk, mustBeWithin: isFirst, at: now) else { return .outOfDate }
        let closed = run.predecessor.map { ClosedGeneration($0, closedBy: run, at: now) }
        let claim = Claim(
            arrival: run.arrival, kind: run.mustQueryAlbum ? .albumQuery : .call, day: budget.dayName(at: now), at: now,
            attempts: run.progress.attempts, isAmbiguous: run.progress.isAmbiguous,
            malformedAnswers: run.progress.malformedAnswers, closing: closed?.result, presumesNew: presumesNew)
        do throws(LedgerError) {
            switch try await ledger.claim(claim) {
            case .claimed(let open):
                budget.settle(ticket, isClaimed: true)
                dispatcher.callBegan(run.job.account)
                run.claimed(open)
                if closed != nil { (run.predecessor, run.closed) = (nil, closed) }
                hook(.claim, .after)
                return .claimed
            case .refused(let lookup):
                budget.settle(ticket, isClaimed: false)
                return .refused(lookup)
            }
        } catch {
            budget.settle(ticket, isClaimed: false)
            onEvent(.ledgerRefused(.init(jobID: run.jobID, detail: error.description)))
            return .ledgerIsAway
        }
    }

    /// Closes the intent: the call ended, and another, or a wait, comes before the job's end. False if the ledger was
    /// closed.
    func callEnded(_ run: JobRun) async -> Bool {
        await record(
            .callEnded(
                run.arrival, attempts: run.progress.attempts, isAmbiguous: run.progress.isAmbiguous,
                malformedAnswers: run.progress.malformedAnswers)) != nil
    }

    /// Waits out a ledger that cannot commit. Nil if it was closed: the delivery goes back to the broker then, and the
    /// next worker finds the open intent.
    func record(_ record: Record) async -> Int? {
        hook(.record, .before)
        do throws(LedgerError) {
            let copy = try await ledger.record(record)
            hook(.record, .after)
            return copy
        } catch {
            onEvent(.ledgerRefused(.init(jobID: record.arrival.jobID, detail: error.description)))
            return nil
        }
    }
}
