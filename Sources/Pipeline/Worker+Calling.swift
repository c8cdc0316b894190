import Credentials
import Jobs
import Ledger
import Messages
import Photos
import Secrets
import Threads

extension Worker {
    func call(_ hand: inout JobInHand, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        hand.callBegan = began
        let answer = await photos.leave(hand.job.shareToken, bearer: token.secret, trace: hand.trace)
        let context = context(hand, token)
        var verdict = VerdictTable.verdict(for: answer, context: context)
        hand.called = (verdict.httpStatus, verdict.apiStatus)
        hand.item.tries += 1
        // What the table says of an answer that was lost twice; every other one is best followed by a call.
        hand.item.asks = verdict.row == 3 && hand.progress.isAmbiguous ? .yes : .no
        if verdict.marksAmbiguous {
            hand.progress.isAmbiguous = true
            hand.album = nil
        }
        if verdict.action == .askAlbum, let album = hand.album, !hand.progress.isAmbiguous || album == .cannotTell {
            // It was asked before the call, and this call was refused: nothing has changed since. Unless an earlier
            // call is still on its way there, of which "joined" would be out of date.
            verdict = VerdictTable.verdict(album, after: verdict, context: context)
        }
        tell(.leave, verdict, hand, since: began)
        return verdict
    }

    /// Asks the album: before a call that may be needless, or after one whose refusal says too little.
    func ask(_ hand: inout JobInHand, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        hand.callBegan = began
        let answer = await photos.album(hand.job.shareToken, bearer: token.secret, trace: hand.trace)
        let verdict = VerdictTable.verdict(
            forProbe: answer, after: hand.refusal, context: context(hand, token))
        if let album = verdict.album {
            hand.noteStanding(album)
        } else {
            // Not answered: it waits as after a call that failed, and the question comes first again, also of a copy.
            hand.item.asks = .yes
            hand.item.stamp.mustAsk = true
            hand.item.tries += 1
        }
        tell(.album, verdict, hand, since: began)
        return verdict
    }

    private func context(_ hand: JobInHand, _ token: AccessToken) -> VerdictContext {
        VerdictContext(
            isAmbiguous: hand.progress.isAmbiguous, malformedAnswers: hand.progress.malformedAnswers,
            tokenWasRefreshed: hand.item.hasRefreshedToken, tokenLacksScope: token.lacksSharingScope,
            assumesLeftAfterAmbiguous: configuration.assumeLeftAfterAmbiguous, now: clock.wall(),
            shareToken: hand.job.shareToken.secret, bearer: token.secret, account: hand.job.account.utf8)
    }

    private func tell(
        _ request: PipelineEvent.Call.Request, _ verdict: Verdict, _ hand: JobInHand, since began: MonotonicTime
    ) {
        onEvent(
            .called(
                .init(
                    request: request, jobID: hand.jobID, account: hand.job.account,
                    generation: hand.arrival.generation, row: verdict.row, verdict: verdict.action.word,
                    httpStatus: verdict.httpStatus, duration: clock.now() - began, detail: verdict.detail)))
    }
}
