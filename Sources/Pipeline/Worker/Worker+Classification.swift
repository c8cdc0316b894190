import Clocks
import Jobs
import Messages
import Photos

/// What an answer says of the API, and what that means for its job.
extension Worker {
    /// A job that was parked so often for the same refusal is not the one to find out.
    static let refusalsToEnd = 3
    /// The thresholds of a token that is refused though it is fresh, and of an account that is over its own rate.
    private static let accountsWithRefusedTokens = 5
    private static let accountsOverTheirRate = 3

    /// Feeds the answer to holds, breaker and classifier. The table's action is the job's only if the ruling is
    /// `own`.
    func classification(on verdict: Verdict, _ run: JobRun) -> Gate.Classification {
        var call = run.call
        // An answer whose time is wrong tests no hold, and is weighed like every other.
        if compareClocks(verdict, run) { call.isProbe = false }
        switch verdict.action {
        case .left: return answered(.success, call)
        case .alreadyLeft:
            // Taken for left without the album's word, it proves nothing; and before a call only the album has spoken.
            if verdict.album == .inconclusive { return answered(.unknownToken, call) }
            return answered(verdict.isBeforeCall ? .album : .success, call)
        case .dead(.responseMalformed), .dead(.serverDataLoss):
            _ = failed(verdict, call)
            return .own
        case .dead, .queryAlbum: return answered(Self.word(of: verdict), call)
        case .call: return answered(verdict.album == .joined ? .album : .refusal, call)
        case .retryOnFreshToken: return answered(.refusal, call)
        case .deadUnlessSystemic(_, let cause, let threshold):
            return dispatcher.refused(
                call, .init(cause: cause, threshold: threshold),
                isLast: run.item.jobHeaders.refusals >= Self.refusalsToEnd - 1, detail: verdict.detail)
        case .tokenRefused:
            return dispatcher.refused(
                call, .init(cause: .clientMisconfigured, threshold: Self.accountsWithRefusedTokens),
                isLast: run.item.jobHeaders.refusals >= Self.refusalsToEnd, detail: verdict.detail)
        case .withdraw: return .own
        case .retryNetwork, .retry, .retryQueryingAtLast, .malformedAnswer:
            return failed(verdict, call)
        case .hold(let cause):
            // Others succeed, and each time this job alone says so: it is parked, or it would be called without end.
            return dispatcher.hold(cause, detail: verdict.detail, atLeast: verdict.minimumWait, by: call)
                ? .waitOutHold : .open
        case .endDay:
            // The API counts otherwise than we do: the day is over, and a job a while after its end tells whether the
            // next has begun. A probe that is refused tries again in an hour, as its hold says.
            let now = clock.wall()
            let isProbed = dispatcher.holds.contains { $0.cause == .quotaDay }
            let wait = isProbed ? nil : budget.endDay(at: now) - now + DayBudget.lateness()
            return dispatcher.hold(.quotaDay, detail: verdict.detail, atLeast: wait, by: call) ? .waitOutHold : .own
        case .throttle: return throttled(call, threshold: Gate.accountsThrottled, verdict)
        case .delayAccount, .delayAccountLonger: return throttled(call, threshold: Self.accountsOverTheirRate, verdict)
        }
    }

    private func failed(_ verdict: Verdict, _ call: Gate.Call) -> Gate.Classification {
        dispatcher.failed(
            verdict.sign ?? .healthy, call, isRefusal: verdict.httpStatus.map { (400..<500).contains($0) } ?? false,
            detail: verdict.detail)
    }

    private func answered(_ word: HoldPolicy.Word, _ call: Gate.Call) -> Gate.Classification {
        dispatcher.answered(word, call)
        return .own
    }

    private func throttled(_ call: Gate.Call, threshold: Int, _ verdict: Verdict) -> Gate.Classification {
        dispatcher.throttled(
            call, .init(cause: .rateLimited, threshold: threshold), atLeast: verdict.minimumWait,
            detail: verdict.detail)
    }

    private static func word(of verdict: Verdict) -> HoldPolicy.Word {
        switch verdict.subject {
        case .userOrAlbum: .understood
        case .shareToken: verdict.album == nil ? .unknownToken : .understood
        case .other: .refusal
        }
    }

    /// The quota's day turns with the API's clock: before ours is believed, the two are compared once a day. One answer
    /// may come from a cache or from a gateway with a clock of its own: two are believed. True if they hold the worker.
    private func compareClocks(_ verdict: Verdict, _ run: JobRun) -> Bool {
        let now = clock.wall()
        guard let theirs = verdict.serverTime, budget.mustCompareClocks(at: now) else { return false }
        let difference = theirs < now ? now - theirs : theirs - now
        guard difference > DayBudget.clockTolerance else {
            budget.comparedClocks(at: now)
            return false
        }
        guard budget.doubtClock() || run.isProbe else { return false }
        dispatcher.hold(
            .clockSuspect,
            detail: "this machine's clock says \(now.rfc3339), the API's \(theirs.rfc3339): set the clock right",
            by: run.call)
        return true
    }
}
