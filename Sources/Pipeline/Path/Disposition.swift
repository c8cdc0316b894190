import Clocks
import Concurrency
import Jobs
import Ledger
import Photos

/// What becomes of a delivery: `Worker.decide` says it without the delivery, `Worker.settle` does it. In boxes, because
/// a run is large, and a worker keeps a place for each that its functions hand on.
indirect enum Disposition: Sendable {
    /// The job has its result now.
    case finish(JobRun, Ending)
    /// The job had its result before, and the broker is not known to have all that comes of it.
    case publishUnsent(JobRun, FinishedJob)
    /// The job had its result before: the same bytes again. Nil: that generation has no result of its own to give.
    case replay(JobRun, StoredResult?)
    /// A new copy with a number of its own comes at `until`.
    case park(JobRun, until: Timestamp, cause: ParkCause)
    /// A copy was decided, and perhaps never published: it goes out again, for this delivery has the body.
    case republishCopy(JobRun, OpenJob)
    /// The copy that there is comes again later. Nothing was decided of it.
    case release(Release)
    /// The delivery stays in flight, where it occupies no worker, and has another turn at that time.
    case retry(JobRun, at: MonotonicTime)
    /// The message never became a job: a dead letter and a result, and no word in the ledger.
    case reject(InFlightMessage, Rejection)
    /// The message asks for a job to be cancelled.
    case cancel(InFlightMessage, JobID)
    /// A newer copy of the job waits in a retry queue and answers for it.
    case acknowledge
    /// The ledger was closed, and the next worker finds what it knows by now: basic.nack, at a delivery count's cost.
    case returnToBroker
}

/// Why a job is parked.
enum ParkCause: Equatable, Sendable {
    /// What failed, for people: a call, or the way to a token.
    case fault(String)
    case stepAside(StepAside)
    /// A copy that was decided earlier, and perhaps never sent.
    case interruption

    var message: String {
        switch self {
        case .fault(let detail): detail
        case .stepAside(let cause): cause.message
        case .interruption: "published after an interruption"
        }
    }

    var isFault: Bool {
        switch self {
        case .fault: true
        case .stepAside, .interruption: false
        }
    }
}

/// A delivery that goes back to the broker as a confirmed clean copy of the message that it is. Parking decides a new
/// copy and counts it; releasing only moves the one that there is, so it costs no attempt, no delivery count and no new
/// row: a kill between the confirm and the ack leaves two deliveries of one number, and the one that comes second finds
/// what the first has done.
struct Release: Sendable {
    enum Reason: Sendable {
        /// A hold lasts, or a suspect runs alone: to `due`, or where the message came from if it is no job.
        case hold
        /// The worker died with it in flight, ten times: from now on it runs alone, with a delivery count of its own
        /// again, so that other jobs, which are innocent, are not counted down with it.
        case quarantine
        /// Its time has not come: through the delay queues until then. It may come early, and is moved on then: each
        /// move takes the longest queue that fits, so a wait of any length that the queues cover takes a few.
        case wait(StepAside, until: Timestamp)
    }

    var item: InFlightMessage
    let reason: Reason
    /// What the ledger has to know first, and what it is recorded under.
    var record: (record: Record, lease: Lease?, isUnheard: Bool)?
    /// See `JobRun.closed`.
    var closed: ClosedGeneration?
    /// See `JobRun.report`.
    var report: JobProgress?

    init(_ item: InFlightMessage, _ reason: Reason) {
        self.item = item
        self.reason = reason
    }
}
