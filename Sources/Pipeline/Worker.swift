import AMQP
import Credentials
import Jobs
import Ledger
import Messages
import Photos
import Secrets
import Threads

/// Walks the path of one job at a time. Many of them run at once; each takes its turns from the dispatcher.
///
/// What a kill -9 does is the same argument at every line of `walk`: until the ack, the broker gives the delivery out
/// again, and the ledger tells the next walk how far this one had come.
struct Worker: Sendable {
    let dispatcher: Dispatcher
    let ledger: any Ledger
    let credentials: any CredentialProvider
    let photos: any PhotosCalling
    let announcer: Announcer
    let budget: DayBudget
    let holdLog: HoldLog
    let clock: any Timekeeper
    let live: LiveConfiguration
    let onStep: PathHook?
    let onEvent: @Sendable (PipelineEvent) -> Void

    var configuration: PipelineConfiguration { live.now }

    var schedule: RetrySchedule {
        let configuration = self.configuration
        return RetrySchedule(delays: configuration.retryDelays, maxAttempts: configuration.maxAttempts)
    }

    /// Works until the dispatcher closes.
    func run() async {
        while let turn = await dispatcher.next() {
            await take(turn, dispatcher.mint(turn))
        }
    }

    private func take(_ turn: Dispatch.Turn, _ delivery: consuming Delivery) async {
        switch turn.mandate {
        case .handBack: return await handBack(turn.item, delivery)
        case .stepAside:
            // Another delivery of the job has been in hand for a minute and answers for it; the ledger need not know.
            let time = clock.wall() + RetrySchedule.longestWaitInHand
            return await stepAside(turn.item, until: time, .following, delivery)
        case .work, .probe, .park, .standAside: break
        }
        switch turn.item.content {
        case .suspicious: await setApart(turn.item, delivery)
        case .rejected(let rejection): await reject(turn.item, rejection, delivery)
        case .cancel(let id): await cancel(id, turn.item, delivery)
        case .job(let job):
            var hand = JobInHand(turn.item, job, isProbe: turn.mandate == .probe, now: clock.wall())
            hand.isInTheWay = turn.mandate == .standAside
            await walk(hand, mustPark: turn.mandate == .park || hand.isInTheWay, delivery)
        }
    }

    /// The path of a job, from its delivery to its ack.
    func walk(_ start: JobInHand, mustPark: Bool, _ delivery: consuming Delivery) async {
        var hand = start
        switch await begin(&hand, mustPark: mustPark) {
        case .claimed(let token): await walk(hand, token, isClaimed: true, delivery)
        case .found(let finding, let admission):
            await walk(hand, finding, admission, mustPark: mustPark, delivery)
        // Others are about to claim the last calls of the day, or to give them back: that takes a commit.
        case .outOfDate: dispatcher.putBack(delivery, as: hand.item, until: clock.now() + .milliseconds(10))
        case .ledgerIsAway: waitForLedger(hand, delivery)
        }
    }

    /// From what the ledger knows of it to its admission. Nothing has changed yet: a kill here costs a delivery count.
    private func walk(
        _ start: JobInHand, _ finding: Finding, _ admission: Admission?, mustPark: Bool,
        _ delivery: consuming Delivery
    ) async {
        var hand = start
        switch finding {
        case .conflict:
            let rejection = Rejection(
                .jobIDConflict, "this jobId was used for another account or share token", jobID: hand.jobID,
                account: hand.job.account)
            return await reject(hand.item, rejection, delivery)
        case .finished(let finished): return await publishAgain(finished, hand, delivery)
        case .superseded(let result): return await replay(result, hand, delivery)
        case .parked: return ack(delivery)
        case .cancelled(let open):
            if let open { hand.progress = Progress(hand.arrival, open) }
            let detail = CancelledJob.detail(hasCalled: hand.progress.hasCalled)
            let ending = Ending.failed(.cancelled, detail: detail, nil)
            return await finish(hand, ending, delivery)
        case .unparked(let open): return await republishCopy(open, hand, delivery)
        case .leased(let until): return await stepAside(hand, until: until, .leased, delivery)
        case .fresh(let isAmbiguous, let predecessor):
            hand.progress = Progress(hand.arrival, isAmbiguous: isAmbiguous)
            if let predecessor, await !close(predecessor, of: hand) { return delivery.handBack() }
        case .resumed(let open):
            hand.progress = Progress(hand.arrival, open)
        case .overdue(let open):
            onEvent(.overdue(hand.jobID))
            hand.progress = Progress(hand.arrival, open)
        }

        // Whether it may call now.
        hook(.admit, .before)
        let answer = if let admission { admission } else { await admit(hand, mustPark: mustPark) }
        let token: AccessToken
        switch answer {
        case .proceed(let permitted): token = permitted
        case .end(let ending): return await finish(hand, ending, delivery)
        case .wait(let time): return dispatcher.putBack(delivery, as: hand.item, until: time)
        case .waitForToken(let time): return waitForToken(hand, until: time, delivery)
        case .park(let until, let cause): return await park(hand, until: until, cause: cause, delivery)
        case .stepAside(let until, let cause): return await stepAside(hand, until: until, cause, delivery)
        case .refused: preconditionFailure("no token is refused before a call")
        }
        hook(.admit, .after)
        // The server works, or another call would not be due: its failures were this job's.
        hand.progress.attempts += hand.item.unspent
        hand.item.unspent = 0
        await walk(hand, token, isClaimed: false, delivery)
    }

    /// From the claim to the end: call after call, until one says what becomes of the job.
    private func walk(
        _ start: JobInHand, _ admitted: AccessToken, isClaimed: Bool, _ delivery: consuming Delivery
    ) async {
        var (hand, token) = (start, admitted)
        var (isFirst, mustClaim) = (true, !isClaimed)
        while true {
            if mustClaim {
                // A token, or the answer before, may have been long in coming.
                if let ending = pastDeadline(hand, at: clock.wall()) { return await finish(hand, ending, delivery) }

                // The intent is durable before a byte is sent. A kill after this makes the job ambiguous, for good.
                hook(.claim, .before)
                switch await claim(hand, isFirst: isFirst) {
                case .claimed(let open): hand.claimed(open)
                case .refused, .outOfDate: return dispatcher.putBack(delivery, as: hand.item, until: clock.now())
                case .ledgerIsAway: return waitForLedger(hand, delivery)
                }
                hook(.claim, .after)
            }
            (isFirst, mustClaim) = (false, true)

            // The call, or the question that goes before it or explains its refusal.
            hook(.call, .before)
            let verdict = hand.mustAsk ? await ask(&hand, token) : await call(&hand, token)
            hook(.call, .after)

            // Every way on records the outcome before it publishes anything, and is confirmed before it acks.
            switch ruling(on: verdict, hand) {
            case .own: break
            case .open: return await awaitNeighbours(hand, verdict, delivery)
            case .standAside(let time): return await standAside(hand, for: time, delivery)
            case .standStill: return await standStill(hand, delivery)
            }
            switch verdict.action {
            case .left: return await finish(hand, .left(verdict), delivery)
            case .alreadyLeft: return await finish(hand, .alreadyLeft(verdict), delivery)
            case .dead(let reason):
                return await finish(hand, .failed(reason, detail: verdict.detail, verdict), delivery)
            case .deadUnlessWorldsFault(let reason, _, _):
                return await finish(hand, .failed(reason, detail: verdict.detail, verdict), delivery)
            case .tokenRefused(let reason): return await refuseToken(hand, reason, verdict, delivery)
            case .call: break
            case .askAlbum:
                guard await keep(hand) else { return delivery.handBack() }
                hand.refusal = verdict
            case .retryOnFreshToken:
                guard await keep(hand) else { return delivery.handBack() }
                switch await freshToken(&hand, rejected: token) {
                case .proceed(let fresh): token = fresh
                // Whether the user is in the album it need not know; whether the call is refused it has to see.
                case .refused where hand.asksBeforeCall: hand.noteStanding(.cannotTell)
                case .refused: return await refuseOnlyToken(hand, verdict, delivery)
                case .end(let ending): return await finish(hand, ending, delivery)
                case .wait(let time): return dispatcher.putBack(delivery, as: hand.item, until: time)
                case .waitForToken: preconditionFailure("only a token that replaces none is waited for in hand")
                case .park(let until, let cause): return await park(hand, until: until, cause: cause, delivery)
                case .stepAside(let until, let cause): return await stepAside(hand, until: until, cause, delivery)
                }
            case .retryNetwork: return await retryNetwork(hand, verdict, delivery)
            case .retry(let minimum): return await failAttempt(hand, verdict, atLeast: minimum, delivery)
            case .retryAskingAtLast(let minimum):
                hand.item.stamp.mustAsk = hand.progress.attempts + 2 >= configuration.maxAttempts
                return await failAttempt(hand, verdict, atLeast: minimum, delivery)
            case .malformedAnswer:
                hand.progress.malformedAnswers += 1
                return await failAttempt(hand, verdict, atLeast: .zero, delivery)
            case .hold: return await standStill(hand, delivery)
            case .endDay, .throttle, .delayAccount: return await delay(hand, .minute, verdict, delivery)
            case .delayAccountLonger: return await delay(hand, .concurrent, verdict, delivery)
            }
        }
    }
}
