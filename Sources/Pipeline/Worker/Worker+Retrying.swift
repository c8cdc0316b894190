import Clocks
import Concurrency
import Jobs
import Ledger
import Messages
import Photos

/// What comes again: in flight, as a later copy, or as the copy that it is. Nothing is settled here. A kill after
/// `callEnded` finds the job open, with the answer counted.
extension Worker {
    /// The waits after a call of which nothing was sent. No attempt is spent.
    private static let networkBackoff = Backoff(first: .milliseconds(400), longest: .seconds(10))

    /// An attempt was spent: another try in flight, a later copy, or the end.
    func failAttempt(_ start: JobRun, _ verdict: Verdict, atLeast minimum: Duration) async -> Disposition {
        var run = start
        let before = run.progress.attempts
        run.progress.attempts += 1
        if run.progress.attempts >= configuration.maxAttempts {
            let detail = "all \(run.progress.attempts) attempts failed; the last: \(verdict.detail)"
            return .finish(run, .failed(.attemptsExhausted, detail: detail, isAnswer: true))
        }
        let wall = clock.wall()
        let least = max(minimum, verdict.minimumWait ?? .zero, run.isUnheard ? RetrySchedule.grace : .zero)
        if let wait = schedule.waitInFlight(tries: run.item.tries, atLeast: least) {
            if verdict.sign == .serverFault || verdict.sign == .noAnswer {
                // If the server is found to fail for all jobs before the next try, the attempt costs nothing.
                run.progress.attempts = before
                run.item.unspent = 1
            }
            if let interruption = await callEnded(run) { return interruption }
            run.item.jobHeaders = run.jobHeaders(
                copy: run.item.jobHeaders.copy, notBefore: run.isUnheard ? run.item.jobHeaders.notBefore : nil)
            report(.retrying, of: &run, until: wall + wait, detail: verdict.detail)
            return .retry(run, at: clock.now() + wait)
        }
        let wait = schedule.parkingTime(attempts: run.progress.attempts, atLeast: least)
        if let deadline = run.deadline, wall + wait > deadline {
            let detail = "its deadline passes before the next try; the last: \(verdict.detail)"
            return .finish(run, .failed(.deadlineExceeded, detail: detail, isAnswer: true))
        }
        return .park(run, until: wall + wait, cause: .fault(verdict.detail))
    }

    /// The send window was over before a byte could leave: the claim is taken back, with its place in the day, and asked
    /// for again. A kill before that leaves the intent of a call that was not made: the album is asked needlessly.
    func withdraw(_ start: JobRun, _ verdict: Verdict) async -> Disposition {
        guard let lease = start.lease, let counted = start.counted else {
            preconditionFailure("what is withdrawn was claimed")
        }
        do throws(LedgerError) {
            try await ledger.withdraw(lease, of: start.jobID, kind: counted.kind, day: counted.ticket.day)
        } catch {
            onEvent(.ledgerRefused(.init(jobID: start.jobID, detail: error.description)))
            return .returnToBroker
        }
        budget.giveBack(counted.ticket)
        var run = start
        run.item.lateCalls += 1
        let (classification, ledgerIsSlow) = dispatcher.wasLate(lateCall(run, verdict))
        if ledgerIsSlow { ledgerWatch.isSlow() }
        switch classification {
        case .own, .open, .standAside: return retryUnsent(run)
        case .waitOutHold:
            run.item.jobHeaders = run.jobHeaders
            return .retry(run, at: clock.now())
        }
    }

    func retryNetwork(_ start: JobRun, _ verdict: Verdict) async -> Disposition {
        if let interruption = await callEnded(start) { return interruption }
        var run = start
        report(.retrying, of: &run, detail: verdict.detail)
        return retryUnsent(run)
    }

    private func retryUnsent(_ start: JobRun) -> Disposition {
        var run = start
        run.item.networkFailures += 1
        var backoff = Self.networkBackoff
        for _ in 1..<run.item.networkFailures { _ = backoff.next() }
        run.item.jobHeaders = run.jobHeaders
        return .retry(run, at: clock.now() + backoff.next())
    }

    // MARK: Waits that cost no attempt

    /// A hold begins, or lasts. The dispatcher keeps the job in flight or releases it, by how long the hold lasts.
    func waitOutHold(_ start: JobRun) async -> Disposition {
        var run = start
        if let interruption = await callEnded(run) { return interruption }
        (run.item.tries, run.item.unspent) = (0, 0)
        run.item.jobHeaders = run.jobHeaders
        reportHold(of: &run)
        return .retry(run, at: clock.now())
    }

    /// The job failed in a hold: it is released, so that others can be tried.
    func makeWay(_ start: JobRun, for time: Duration) async -> Disposition {
        var run = start
        if let interruption = await callEnded(run) { return interruption }
        (run.item.tries, run.item.unspent) = (0, 0)
        reportHold(of: &run)
        return release(run, until: clock.wall() + time, .hold)
    }

    /// The account waits, and with it the job. Others who share the ledger know of it before the call's slot is free: a
    /// kill in between leaves the slot taken until its lease ends.
    func delayAccount(_ start: JobRun, _ cause: AccountWaitCause, _ verdict: Verdict) async -> Disposition {
        var run = start
        let (account, minimum) = (run.job.account, verdict.minimumWait ?? .zero)
        let shared = await sharedWait(run, cause, atLeast: minimum)
        if let until = shared {
            dispatcher.refuse(account, cause, until: until, detail: verdict.detail)
        } else {
            dispatcher.refuse(account, cause, atLeast: minimum, detail: verdict.detail)
        }
        reportHold(of: &run, cause, until: shared)
        return await waitOutHold(run)
    }

    /// Until when all workers leave the account alone. Nil: there are no others, or they cannot be told; then this one
    /// waits, and the others hear the same from the API.
    private func sharedWait(
        _ run: JobRun, _ cause: AccountWaitCause, atLeast minimum: Duration
    ) async -> Timestamp? {
        do throws(LedgerError) {
            return try await ledger.noteRefusal(of: run.job.account, for: cause, atLeast: minimum)
        } catch {
            onEvent(.ledgerRefused(.init(jobID: run.jobID, detail: error.description)))
            return nil
        }
    }

    /// Releases the job's copy until `wanted`.
    ///
    /// While the copy waits, an earlier copy of the job must not take over, the sweep must not report the job lost
    /// before its time, and a loss must be seen: where the ledger knows the job, its due time is moved first.
    func release(_ run: JobRun, until wanted: Timestamp, _ cause: StepAside) -> Disposition {
        // The job ends at its deadline, and its result is not to come later than that.
        let time = run.deadline.map { min($0 + .milliseconds(1), wanted) } ?? wanted
        if let newest = run.progress.copy, newest > run.arrival.copy {
            // It took the place of a newer copy, which is lost: only a number of its own lets it in again.
            return .park(run, until: time, cause: .stepAside(cause))
        }
        var release = Release(run.item, .wait(cause, until: time))
        release.item.jobHeaders = run.jobHeaders
        (release.closed, release.report) = (run.closed, run.report)
        if run.progress.copy != nil, run.progress.due.map({ $0 < time }) ?? true {
            release.record = (.postponed(run.arrival, due: time), run.lease, run.isUnheard)
        }
        return .release(release)
    }

    /// Another worker may be calling for the job, or a call that went unheard may still arrive. Nothing is decided of
    /// the job until that is over. All that is written is when the copy comes again: should it be lost, and whoever calls
    /// not end the job, it is missed.
    func waitOutLease(_ run: JobRun, until: Timestamp) -> Disposition {
        // One that has waited for this lease already, in a queue that was shorter, keeps its time.
        let time =
            run.item.jobHeaders.notBefore.flatMap { $0 > until ? $0 : nil }
            ?? until + .milliseconds(Int.random(in: Self.afterLease))
        let wait = time - clock.wall()
        guard run.mustRelease || schedule.queue(for: wait) != nil else { return .retry(run, at: clock.now() + wait) }
        var release = Release(run.item, .wait(.leased, until: time))
        release.record = (.steppedAside(run.arrival, due: time), nil, false)
        return .release(release)
    }

    /// Milliseconds. At its last moment a lease still stands, and several deliveries may wait for the end of one.
    private static let afterLease = 100..<1_100

    // MARK: Refusals that may be systemic

    /// Parks the job until the answers to other jobs show whose fault the refusal is.
    func parkForClassification(_ start: JobRun, _ verdict: Verdict) -> Disposition {
        var run = start
        run.item.jobHeaders.refusals += 1
        let wait = max(configuration.waitForClassification, verdict.minimumWait ?? .zero)
        return .park(run, until: clock.wall() + wait, cause: .fault(verdict.detail))
    }

    /// A token that was refused though it is fresh may work in some minutes.
    func refusedToken(_ run: JobRun, _ reason: Reason, _ verdict: Verdict) -> Disposition {
        guard run.item.jobHeaders.refusals < Self.refusalsToEnd else {
            return .finish(run, .failed(reason, detail: verdict.detail, isAnswer: true))
        }
        return parkForClassification(run, verdict)
    }
}
