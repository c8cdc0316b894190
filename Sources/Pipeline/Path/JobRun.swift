import AMQP
import Jobs
import Ledger
import Messages
import Photos
import Threads

/// One job on its way along the path: its state from a delivery's turn to what is decided of it.
struct JobRun: Sendable {
    var item: Item
    let job: Job
    let arrival: Arrival
    var progress: Progress
    let trace: TraceContext
    /// It tests a hold.
    let isProbe: Bool
    /// It has waited in flight as long as it may, or others need its place: unless it ends it is released, and not called.
    let mustRelease: Bool
    /// It has failed in the holds that stand, and others are to be tried.
    let isInTheWay: Bool
    /// What the album said in this run, unless a call may have changed that since.
    var album: AlbumStanding?
    /// When the latest call or question began.
    var callBegan = MonotonicTime(nanoseconds: 0)
    /// How the API answered the last call of this run, if it did. An answer to the question is not told as this.
    var called: (httpStatus: Int?, apiStatus: String?)?
    /// The refusal of this run that only the album can explain.
    var refusal: Verdict?
    /// An older generation of the job that is open: it ends with the next commit that is about this one.
    var predecessor: OpenJob?
    /// The older generation that ended by this run's claim; its result is still to be published.
    var closed: ClosedGeneration?

    var jobID: JobID { job.id }

    /// The latest call, for the holds, the breaker and the classifier.
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

    init(_ item: Item, _ job: Job, _ mandate: Mandate, now: Timestamp) {
        self.item = item
        self.job = job
        isProbe = mandate == .probe
        isInTheWay = mandate == .standAside
        mustRelease = !mandate.mayCall
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

    /// The headers of the copy that it is, as things stand.
    var stamp: JobHeaders { stamp(copy: item.stamp.copy, notBefore: item.stamp.notBefore) }
}
