import AMQP
import Clocks
import Credentials
import Jobs
import Ledger
import Messages
import Photos

/// From a turn to what becomes of its delivery. Nothing here has the delivery, so nothing here can settle it, and a
/// test needs no broker.
extension Worker {
    func decide(_ turn: Dispatch.Turn) async -> Disposition {
        let item = turn.item
        switch turn.action {
        case .release: return .release(Release(item, .hold))
        case .awaitLeader:
            // Another delivery of the job has been in flight for a minute and answers for it; the ledger need not know.
            let time = clock.wall() + RetrySchedule.longestWaitInFlight
            return .release(Release(item, .wait(.following, until: time)))
        case .work, .probe, .awaitTurn, .awaitOthers: break
        }
        switch item.content {
        case .suspicious: return .release(Release(item, .quarantine))
        case .rejected(let rejection): return .reject(item, rejection)
        case .cancel(let id): return .cancel(item, id)
        case .job(let job): return await decide(JobRun(item, job, turn.action, now: clock.wall()))
        }
    }

    /// The path of a job: look, admit, claim, call until an answer decides. Nothing has changed before the claim.
    private func decide(_ start: JobRun) async -> Disposition {
        var run = start
        var token: AccessToken
        var isClaimed = false
        switch await begin(&run) {
        case .claimed(let admitted): (token, isClaimed) = (admitted, true)
        case .found(let lookup, let early):
            if let disposition = disposition(for: lookup, &run) { return disposition }
            let admission = if let early { early } else { await admit(run) }
            switch admission {
            case .admitted(let admitted): token = admitted
            case .denied(let denial): return disposition(for: denial, run)
            }
            hook(.admit, .after)
            // The server works, or another call would not be due: its failures were this job's.
            run.progress.attempts += run.item.unspent
            run.item.unspent = 0
        case .retry(let time): return .retry(run, at: time)
        }
        var isFirst = !isClaimed
        while true {
            if !isClaimed {
                await warmUpIfLate(run)
                // A token, or the answer before, may have been long in coming.
                if let ending = pastDeadline(run, at: clock.wall()) { return .finish(run, ending) }
                // The intent is durable before a byte is sent. A kill after this makes the job ambiguous, for good.
                switch await claim(&run, isFirst: isFirst) {
                case .claimed: break
                case .refused: return lookAgain(run)
                case .outOfDate, .outOfTurn: return .retry(run, at: clock.now())
                case .busy(let until): return .retry(run, at: until)
                case .ledgerIsAway: return .retry(run, at: clock.now() + Self.ledgerRetry)
                }
            }
            (isFirst, isClaimed) = (false, false)
            // The call, or the question that goes before it or explains its refusal.
            hook(.call, .before)
            let verdict = run.mustQueryAlbum ? await queryAlbum(&run, token) : await call(&run, token)
            hook(.call, .after)
            if let disposition = await disposition(for: verdict, &run, &token) { return disposition }
        }
    }

    // MARK: Look

    /// How a run begins.
    private enum Beginning {
        /// A new job: its intent is durable.
        case claimed(AccessToken)
        /// What the ledger knows of it, and what admission said if it was asked and that still holds.
        case found(LookupResult, Admission?)
        case retry(MonotonicTime)
    }

    /// Others are about to claim the last calls of the day, or to give them back: that takes a commit.
    private static let oneCommit = Duration.milliseconds(10)

    /// What is known of the job. One that is new to all appearances, as nearly all are, is admitted first and claimed
    /// on the presumption that the ledger does not know it: that is one way to the ledger instead of two, and a claim
    /// that presumes wrongly changes nothing and says what there is.
    private func begin(_ run: inout JobRun) async -> Beginning {
        guard run.seemsNew, !run.mustRelease else { return await lookUp(&run, admission: nil) }
        let admission = await admit(run)
        // Whatever keeps a new job from calling, an old one may have ended long ago.
        guard case .admitted(let token) = admission, pastDeadline(run, at: clock.wall()) == nil else {
            return await lookUp(&run, admission: admission)
        }
        hook(.admit, .after)
        switch await claim(&run, isFirst: true, presumesNew: true) {
        case .claimed:
            run.item.isKnown = true
            return .claimed(token)
        case .refused(let lookup):
            run.item.isKnown = true
            return .found(lookup, nil)
        case .outOfDate: return .retry(clock.now() + Self.oneCommit)
        case .outOfTurn: return .retry(clock.now())
        case .busy(let until): return .retry(until)
        case .ledgerIsAway: return .retry(clock.now() + Self.ledgerRetry)
        }
    }

    private func lookUp(_ run: inout JobRun, admission: Admission?) async -> Beginning {
        hook(.lookUp, .before)
        guard let lookup = await lookUp(run.arrival) else { return .retry(clock.now() + Self.ledgerRetry) }
        hook(.lookUp, .after)
        run.item.isKnown = true
        // Admission saw a job without a past.
        if case .fresh(isAmbiguous: false, predecessor: nil) = lookup { return .found(lookup, admission) }
        return .found(lookup, nil)
    }

    /// What the ledger's word on the job decides; nil if it may be called.
    private func disposition(for lookup: LookupResult, _ run: inout JobRun) -> Disposition? {
        switch lookup {
        case .conflict:
            return .reject(
                run.item,
                Rejection(
                    .jobIDConflict, "this jobId was used for another account, share token or source of events",
                    jobID: run.jobID, account: run.job.account, event: run.job.event))
        case .finished(let finished):
            return finished.resultIsPublished && finished.deadLetterIsPublished
                ? .replay(run, finished.result) : .publishUnsent(run, finished)
        case .superseded(let result): return .replay(run, result)
        case .parked: return .acknowledge
        case .cancelled(let open):
            if let open { run.progress = Progress(run.arrival, open) }
            return .finish(run, .failed(.cancelled, detail: CancelledJob.detail(hasCalled: run.progress.hasCalled)))
        case .unparked(let open): return .republishCopy(run, open)
        case .leased(let until): return waitOutLease(run, until: until)
        case .fresh(let isAmbiguous, let predecessor):
            run.progress = Progress(run.arrival, isAmbiguous: isAmbiguous)
            run.predecessor = predecessor
        case .resumed(let open):
            run.progress = Progress(run.arrival, open)
        case .overdue(let open):
            onEvent(.overdue(run.jobID))
            run.progress = Progress(run.arrival, open)
        }
        return nil
    }

    // MARK: Admit

    private func disposition(for denial: Admission.Denial, _ run: JobRun) -> Disposition {
        switch denial {
        case .end(let ending): return .finish(run, ending)
        case .wait(let time): return .retry(run, at: time)
        case .hold:
            var run = run
            reportHold(of: &run)
            return .retry(run, at: clock.now())
        case .waitForToken(let time):
            var run = run
            run.item.tokenTries += 1
            return .retry(run, at: time)
        case .park(let until, let cause): return .park(run, until: until, cause: .fault(cause))
        case .release(let until, let cause):
            var run = run
            if cause == .hold { reportHold(of: &run) }
            return release(run, until: until, cause)
        }
    }

    // MARK: Answers

    /// What an answer means for its job; nil: the next call, or the question.
    private func disposition(
        for verdict: Verdict, _ run: inout JobRun, _ token: inout AccessToken
    ) async -> Disposition? {
        switch classification(on: verdict, run) {
        case .own: break
        case .open: return parkForClassification(run, verdict)
        case .standAside(let time): return await makeWay(run, for: time)
        case .waitOutHold: return await waitOutHold(run)
        }
        switch verdict.action {
        case .left: return .finish(run, .left)
        case .alreadyLeft: return .finish(run, .alreadyLeft)
        case .dead(let reason), .deadUnlessSystemic(let reason, _, _):
            return .finish(run, .failed(reason, detail: verdict.detail, isAnswer: true))
        case .tokenRefused(let reason): return refusedToken(run, reason, verdict)
        case .call:
            // The question held the job for itself, and is over. In a ledger that nobody shares that is no news.
            if run.lease?.isSole == false, let interruption = await callEnded(run) { return interruption }
            return nil
        case .queryAlbum:
            if let interruption = await callEnded(run) { return interruption }
            run.refusal = verdict
            return nil
        case .retryOnFreshToken:
            if let interruption = await callEnded(run) { return interruption }
            switch await freshToken(&run, rejected: token) {
            case .admitted(let fresh): token = fresh
            // Whether the user is in the album it need not know; whether the call is refused it has to see.
            case nil where run.queriesBeforeCall: run.noteMembership(.inconclusive)
            case nil: return await disposition(for: VerdictTable.verdictOnOnlyToken(verdict), &run, &token)
            case .denied(let denial): return disposition(for: denial, run)
            }
            return nil
        case .retryNetwork: return await retryNetwork(run, verdict)
        case .withdraw: return await withdraw(run, verdict)
        case .retry(let minimum): return await failAttempt(run, verdict, atLeast: minimum)
        case .retryQueryingAtLast(let minimum):
            run.item.jobHeaders.mustQueryAlbum = run.progress.attempts + 2 >= configuration.maxAttempts
            return await failAttempt(run, verdict, atLeast: minimum)
        case .malformedAnswer:
            run.progress.malformedAnswers += 1
            return await failAttempt(run, verdict, atLeast: .zero)
        case .hold: return await waitOutHold(run)
        case .endDay, .throttle, .delayAccount: return await delayAccount(run, .minute, verdict)
        case .delayAccountLonger: return await delayAccount(run, .concurrent, verdict)
        }
    }
}
