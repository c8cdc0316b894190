import Clocks
import Credentials
import Jobs
import Ledger
import Messages
import Photos
import Secrets

extension Worker {
    func call(_ run: inout JobRun, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        run.callBegan = began
        let span = run.beginSpan(of: .leave, at: began)
        let answer = await photos.leave(
            run.job.shareToken, bearer: token.secret, trace: run.trace(in: span), beginsBefore: sendWindowEnd(run))
        let context = context(run, token)
        var verdict = VerdictTable.verdict(for: answer, context: context)
        guard verdict.action != .withdraw else {
            emit(.leave, verdict, run, since: began, span)
            return verdict
        }
        run.called = (verdict.httpStatus, verdict.apiStatus)
        run.item.tries += 1
        run.item.lateCalls = 0
        // An answer that was heard, whatever it says, is best followed by a call.
        run.item.albumQuery = .no
        if verdict.isUnheard { noteUnheard(&run) }
        if verdict.marksAmbiguous {
            run.progress.isAmbiguous = true
            run.album = nil
        }
        if verdict.action == .queryAlbum, let album = run.album, !run.progress.isAmbiguous || album == .inconclusive {
            // It was asked before the call, and this call was refused: nothing has changed since. Unless an earlier
            // call is still on its way there, of which "joined" would be out of date.
            verdict = VerdictTable.verdict(album, after: verdict, context: context)
        }
        emit(.leave, verdict, run, since: began, span)
        return verdict
    }

    /// What a call was late for, after it was.
    func lateCall(_ run: JobRun, _ verdict: Verdict) -> Gate.LateCall {
        let isForClaim = run.callBegan - run.claimAsked > sendWindowEnd(run) - run.callBegan
        return Gate.LateCall(
            call: run.call, reason: isForClaim ? .claim : .connection, asked: run.claimAsked, detail: verdict.detail)
    }

    /// So many late calls in a row, and the next has a connection before it is claimed.
    private static let lateCallsToWarmUp = 2

    /// A connection for a call that would be late once more for want of one. It takes no claim, so it may take its time;
    /// if there is none then, the call says why, in the words of the table.
    func warmUpIfLate(_ run: JobRun) async {
        let isLate = run.item.lateCalls >= Self.lateCallsToWarmUp || run.isProbe && dispatcher.callsAreLate
        if isLate { _ = await photos.warmUp() }
    }

    /// Past it nothing is sent: somebody else may have taken the job over, or test the holds, when the first byte leaves.
    private func sendWindowEnd(_ run: JobRun) -> MonotonicTime {
        guard let lease = run.lease else { preconditionFailure("nothing is sent without a claim") }
        return .earliest(lease.beginsBefore, run.probeBeginsBefore) ?? lease.beginsBefore
    }

    /// Whether the call had its effect only the album knows: it is asked before the next call, also with a copy, and not
    /// before what is still on its way has arrived.
    private func noteUnheard(_ run: inout JobRun) {
        run.isUnheard = true
        run.item.albumQuery = .yes
        run.item.jobHeaders.mustQueryAlbum = true
        run.item.jobHeaders.notBefore = clock.wall() + RetrySchedule.grace
    }

    /// Asks the album: before a call that may be needless, or after one whose refusal says too little.
    func queryAlbum(_ run: inout JobRun, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        run.callBegan = began
        let span = run.beginSpan(of: .album, at: began)
        let answer = await photos.album(
            run.job.shareToken, bearer: token.secret, trace: run.trace(in: span), beginsBefore: sendWindowEnd(run))
        let verdict = VerdictTable.verdict(
            forAlbumQuery: answer, after: run.refusal, context: context(run, token))
        if verdict.action != .withdraw { run.item.lateCalls = 0 }
        if let album = verdict.album {
            run.noteMembership(album)
        } else {
            // Not answered: it waits as after a call that failed, and the question comes first again, also of a copy.
            run.item.albumQuery = .yes
            run.item.jobHeaders.mustQueryAlbum = true
            if verdict.action != .withdraw { run.item.tries += 1 }
        }
        emit(.album, verdict, run, since: began, span)
        return verdict
    }

    private func context(_ run: JobRun, _ token: AccessToken) -> VerdictContext {
        VerdictContext(
            isAmbiguous: run.progress.isAmbiguous, malformedAnswers: run.progress.malformedAnswers,
            tokenWasRefreshed: run.item.hasRefreshedToken, tokenLacksScope: token.lacksSharingScope,
            assumesLeftAfterAmbiguous: configuration.assumeLeftAfterAmbiguous, now: clock.wall(),
            shareToken: run.job.shareToken.secret, bearer: token.secret, account: run.job.account.utf8)
    }

    private func emit(
        _ request: PipelineEvent.Call.Request, _ verdict: Verdict, _ run: JobRun, since began: MonotonicTime,
        _ span: OpenSpan?
    ) {
        span?.end(verdict, at: clock.now())
        onEvent(
            .called(
                .init(
                    request: request, jobID: run.jobID, account: run.job.account,
                    generation: run.arrival.generation, row: verdict.row, verdict: verdict.action.word,
                    httpStatus: verdict.httpStatus, duration: clock.now() - began, detail: verdict.detail)))
    }
}
