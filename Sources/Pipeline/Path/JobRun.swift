import AMQP
import Clocks
import Jobs
import Ledger
import Messages
import Photos

/// One job on its way along the path: its state from a delivery's turn to what is decided of it.
struct JobRun: Sendable {
    var item: InFlightMessage
    let job: Job
    let arrival: Arrival
    var progress: Progress
    let trace: TraceContext
    /// Whether this run probes a hold.
    let isProbe: Bool
    /// It has waited in flight as long as it may, or others need its place: unless it ends it is released, and not
    /// called.
    let mustRelease: Bool
    /// Whether the job has failed in the standing holds, so that other jobs are to be tried first.
    let isInTheWay: Bool
    /// What the album said in this run, unless a call may have changed that since.
    var album: AlbumMembership?
    /// Of this run's latest claim; nil before it.
    var lease: Lease?
    /// When that claim was asked for.
    var claimAsked = MonotonicTime(nanoseconds: 0)
    /// Where a probe's call begins in the name of a turn: before this moment, or not at all.
    var probeBeginsBefore: MonotonicTime?
    /// What that claim counted of the day, and for what: given back if nothing was sent.
    var counted: (ticket: DayBudget.Ticket, kind: Claim.Kind)?
    /// The latest call may still be on its way to the API, or be carried out there.
    var isUnheard = false
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
    /// The progress that this run has to report, if any.
    var report: JobProgress?

    var jobID: JobID { job.id }

    /// No call begins after it.
    var deadline: Timestamp? { NewDeadline.inForce(item.jobHeaders.deadline, own: job.deadline) }

    /// The latest call, for the holds, the breaker and the classifier.
    var call: Gate.Call { Gate.Call(job: job.id, account: job.account, began: callBegan, isProbe: isProbe) }

    /// The album is asked before anything is called: it knows what became of a call that went unheard, and why one was
    /// refused.
    var mustQueryAlbum: Bool {
        if refusal != nil { return true }
        guard album == nil else { return false }
        switch item.albumQuery {
        case .yes: return true
        case .no: return item.jobHeaders.mustQueryAlbum
        case .ifAmbiguous: return progress.isAmbiguous || item.jobHeaders.mustQueryAlbum
        }
    }

    /// The album was asked, and its answer says nothing of the user.
    var albumCannotTell: Bool { album == .inconclusive }

    /// The question goes before the call, which comes even if that is not answered.
    var queriesBeforeCall: Bool { mustQueryAlbum && refusal == nil }

    /// The question has been answered.
    mutating func noteMembership(_ membership: AlbumMembership) {
        album = membership
        refusal = nil
        item.albumQuery = .no
        item.jobHeaders.mustQueryAlbum = false
    }

    /// Whether the delivery looks like the first of its job: a publisher's message that was never delivered before.
    var seemsNew: Bool {
        switch item.lane {
        case .jobs, .bulk: !item.message.isRedelivered && item.deliveries == 0 && !item.isKnown && !isProbe
        case .due, .broken, .cancel: false
        }
    }

    init(_ item: InFlightMessage, _ job: Job, _ action: TurnAction, now: Timestamp) {
        self.item = item
        self.job = job
        isProbe = action == .probe
        isInTheWay = action == .awaitOthers
        mustRelease = !action.mayCall
        arrival = Arrival(
            jobID: job.id, account: job.account, tokenHash: job.shareToken.sha256,
            generation: item.jobHeaders.generation,
            copy: item.jobHeaders.copy, attempts: item.jobHeaders.attempts, isAmbiguous: item.jobHeaders.isAmbiguous,
            firstSeen: item.jobHeaders.firstSeen ?? now, event: job.event, isCopy: item.lane.carriesOwnHeaders)
        progress = Progress(arrival, isAmbiguous: false)
        trace = item.traceContext
    }

    /// Notes that the intent is durable, which ends any waiting for a turn.
    mutating func claimed(
        _ open: OpenJob, under lease: Lease, counting counted: (ticket: DayBudget.Ticket, kind: Claim.Kind)
    ) {
        progress = Progress(arrival, open)
        (self.lease, self.counted, isUnheard) = (lease, counted, false)
        item.decidedUnder = lease.fence
        (item.jobHeaders.turn, item.jobHeaders.moves) = (nil, 0)
        (item.hasClaimed, item.jobHeaders.deliveries) = (true, 0)
    }

    /// The headers of a copy of it as things stand.
    func jobHeaders(copy: Int, notBefore: Timestamp?) -> JobHeaders {
        var jobHeaders = item.jobHeaders
        jobHeaders.copy = copy
        jobHeaders.attempts = progress.attempts
        jobHeaders.isAmbiguous = progress.isAmbiguous
        jobHeaders.notBefore = notBefore
        jobHeaders.lane = jobHeaders.lane ?? item.lane
        jobHeaders.firstSeen = progress.firstSeen
        jobHeaders.event = jobHeaders.event ?? progress.event
        return jobHeaders
    }

    /// What a result of this generation can tell, as things stand.
    var resultSubject: ResultSubject {
        var subject = ResultSubject(
            jobID: jobID, account: job.account, generation: arrival.generation, attempts: progress.attempts,
            firstSeen: progress.firstSeen, isAmbiguous: progress.isAmbiguous, hasCalled: progress.hasCalled)
        (subject.requestedAt, subject.metadata) = (job.requestedAt, job.metadata)
        (subject.httpStatus, subject.apiStatus) = (called?.httpStatus, called?.apiStatus)
        subject.event = job.event ?? progress.event
        subject.effect = album?.effect
        return subject
    }

    /// What goes with a request or a message: the trace, and in it that span as the parent of what follows.
    func trace(in span: OpenSpan?) -> TraceContext {
        guard let span else { return trace }
        return trace.continued(by: span.traceparent)
    }

    /// The headers of the copy that it is, as things stand.
    var jobHeaders: JobHeaders { jobHeaders(copy: item.jobHeaders.copy, notBefore: item.jobHeaders.notBefore) }
}
