import AMQP
import Clocks
import Jobs
import Messages

/// A message in flight: decoded, and with what this delivery has been through.
struct InFlightMessage: Sendable {
    let message: IncomingMessage
    let lane: Lane
    var jobHeaders: JobHeaders
    let content: Content
    /// Times that the broker gave it out before, and copies before it that no worker brought a word of.
    var deliveries: Int64 = 0
    /// A worker has claimed with this delivery, and lived on.
    var hasClaimed = false
    /// Calls made with this delivery, and questions that were not answered.
    var tries = 0
    /// Times that nothing could be sent, in a row.
    var networkFailures = 0
    /// Calls, in a row, of which nothing was sent because their send window was over first.
    var lateCalls = 0
    /// Times that there was no token for now, in a row.
    var tokenTries = 0
    /// The token was read again after a refusal; once for each delivery.
    var hasRefreshedToken = false
    /// The ledger has told of the job, or keeps something of it, since this delivery came.
    var isKnown = false
    /// Whether the album is asked before the next call.
    var albumQuery = AlbumQuery.ifAmbiguous
    /// The fence of the latest claim with this delivery: what was heard since holds as long as nobody else claims. Nil:
    /// the next claim rests on what a lookup says.
    var decidedUnder: Int64?
    /// The delivery's spans; nil where nobody wants any.
    var trace: DeliveryTrace?
    /// Failures of the server with this delivery that cost no attempt yet: they cost none if it turns out that the
    /// server fails for everybody.
    var unspent = 0

    enum AlbumQuery: Equatable, Sendable {
        /// The delivery comes from the broker: what went unheard before it may be settled by a question.
        case ifAmbiguous
        case yes
        case no
    }

    enum Content: Sendable {
        // Behind a reference: an item is copied often, and a job never changes.
        indirect case job(Job)
        /// A request to cancel a job.
        case cancel(JobID)
        /// It never became a job.
        case rejected(Rejection)
        /// A message that was in flight at too many deaths of the worker: quarantined before its body is decoded.
        case suspicious
    }

    /// The same where what was heard with this delivery is out of date: somebody else has had the job meanwhile.
    func forgettingDecisions() -> InFlightMessage {
        var item = self
        (item.decidedUnder, item.albumQuery) = (nil, .ifAmbiguous)
        return item
    }

    /// Whether an orderly stop should release the job instead of nacking it, lest it look like one that kills workers.
    var hasBeenReturnedOften: Bool {
        deliveries >= (jobHeaders.suspect > 0 ? Intake.suspiciousDeliveriesAlone : Intake.suspiciousDeliveries) / 2
    }

    /// What goes on to the call and the result.
    var traceContext: TraceContext {
        guard let trace else { return publishersTrace }
        return publishersTrace.continued(by: trace.traceparent)
    }

    /// What the message came with; of an event its attributes too.
    var publishersTrace: TraceContext {
        guard let job else { return Intake.trace(of: message.properties) }
        return Intake.trace(of: message.properties, job.eventTrace)
    }

    /// Where the job first came.
    var originLane: Lane { jobHeaders.lane ?? lane }

    var job: Job? {
        guard case .job(let job) = content else { return nil }
        return job
    }
}
