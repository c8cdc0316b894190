import AMQP
import Jobs
import Ledger
import Messages
import Photos
import Threads

/// One job on its way along the path.
struct JobInHand: Sendable {
    var item: Item
    let job: Job
    let arrival: Arrival
    var progress: Progress
    let trace: TraceContext
    /// It tests a hold.
    let isProbe: Bool
    /// What the album said on this walk, unless a call may have changed that since.
    var album: AlbumStanding?
    /// It has failed in the holds that stand, and others are to be tried.
    var isInTheWay = false
    /// When its latest call, question or want of a token began.
    var callBegan = MonotonicTime(nanoseconds: 0)
    /// How the API answered the last call of this walk, if it did. An answer to the question is not told as this.
    var called: (httpStatus: Int?, apiStatus: String?)?
    /// The refusal of this walk that only the album can explain.
    var refusal: Verdict?

    var jobID: JobID { job.id }

    /// Its latest call, for whoever weighs what calls come to.
    var call: Gate.Call { Gate.Call(job: job.id, account: job.account, began: callBegan, isProbe: isProbe) }

    /// The album is asked before anything is called: it knows what became of a call that went unheard, and why one was
    /// refused.
    var mustAsk: Bool {
        if refusal != nil { return true }
        guard album == nil else { return false }
        switch item.asks {
        case .yes: return true
        case .no: return item.stamp.mustAsk
        case .ifAmbiguous: return progress.isAmbiguous || item.stamp.mustAsk
        }
    }

    /// The question goes before the call, which comes even if that is not answered.
    var asksBeforeCall: Bool { mustAsk && refusal == nil }

    /// The question has been answered.
    mutating func noteStanding(_ standing: AlbumStanding) {
        album = standing
        refusal = nil
        item.asks = .no
        item.stamp.mustAsk = false
    }

    /// As far as the broker tells: a publisher's message, given out for the first time.
    var seemsNew: Bool {
        switch item.lane {
        case .jobs, .bulk: !item.message.isRedelivered && item.deliveries == 0 && !item.isKnown && !isProbe
        case .due, .broken, .cancel: false
        }
    }

    init(_ item: Item, _ job: Job, isProbe: Bool, now: Timestamp) {
        self.item = item
        self.job = job
        self.isProbe = isProbe
        arrival = Arrival(
            jobID: job.id, account: job.account, tokenHash: job.shareToken.sha256, generation: item.stamp.generation,
            copy: item.stamp.copy, attempts: item.stamp.attempts, isAmbiguous: item.stamp.isAmbiguous,
            firstSeen: item.stamp.firstSeen ?? now)
        progress = Progress(arrival, isAmbiguous: false)
        trace = Intake.trace(of: item.message.properties)
    }

    /// Its intent is durable: whatever it waited for is over.
    mutating func claimed(_ open: OpenJob) {
        progress = Progress(arrival, open)
        (item.stamp.turn, item.stamp.moves) = (nil, 0)
    }

    /// The headers of a copy of it as things stand.
    func stamp(copy: Int, notBefore: Timestamp?) -> JobHeaders {
        var stamp = item.stamp
        stamp.copy = copy
        stamp.attempts = progress.attempts
        stamp.isAmbiguous = progress.isAmbiguous
        stamp.notBefore = notBefore
        stamp.lane = stamp.lane ?? item.lane
        stamp.firstSeen = progress.firstSeen
        return stamp
    }

    func stored(_ result: JobResult, at now: Timestamp) -> StoredResult {
        StoredResult(
            messageID: JobResult.messageID(job.id, generation: result.generation), outcome: result.outcome,
            reason: result.reason, body: result.encoded(),
            correlationID: trace.correlationID ?? job.id.string, traceparent: trace.traceparent,
            tracestate: trace.tracestate, completedAt: now)
    }
}

/// How a job ends.
enum Ending: Sendable {
    case left(Verdict)
    case alreadyLeft(Verdict)
    case failed(Reason, detail: String, Verdict?)

    var outcome: Outcome {
        switch self {
        case .left: .left
        case .alreadyLeft: .alreadyLeft
        case .failed: .failed
        }
    }

    var reason: Reason? {
        guard case .failed(let reason, _, _) = self else { return nil }
        return reason
    }

    func result(of hand: JobInHand, at now: Timestamp) -> JobResult {
        let verdict: Verdict?
        let detail: String?
        let effect: Effect
        switch self {
        case .left(let last), .alreadyLeft(let last):
            (verdict, detail, effect) = (last, nil, .left)
        case .failed(let reason, let text, let last):
            (verdict, detail) = (last, text)
            switch hand.album {
            case .owned, .joined: effect = .notLeft
            case .notJoined, .cannotTell, nil:
                // What an operator ends is in doubt after any call, also one that was answered: nobody asks it again.
                let isInDoubt = reason == .cancelled ? hand.progress.hasCalled : hand.progress.isAmbiguous
                effect = reason.effect(isAmbiguous: isInDoubt)
            }
        }
        // What ended the job may be an answer to the question; a result tells of calls alone.
        let answer = verdict.flatMap { _ in hand.called }
        return JobResult(
            jobID: hand.job.id, account: hand.job.account, outcome: outcome, effect: effect, reason: reason,
            next: reason?.next, detail: detail, attempts: hand.progress.attempts,
            generation: hand.arrival.generation, httpStatus: answer?.httpStatus, apiStatus: answer?.apiStatus,
            requestedAt: hand.job.requestedAt, completedAt: now.rfc3339,
            durationMs: max(0, (now - hand.progress.firstSeen).milliseconds), metadata: hand.job.metadata)
    }
}
