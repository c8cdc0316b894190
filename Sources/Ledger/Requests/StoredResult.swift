package import Clocks
import Concurrency
package import Jobs

/// A result as it is published, now and at every replay: the same bytes under the same message-id.
package struct StoredResult: Equatable, Sendable {
    package var messageID: String
    package var outcome: Outcome
    package var reason: Reason?
    package var body: [UInt8]
    package var correlationID: String?
    package var traceparent: String?
    package var tracestate: String?
    package var completedAt: Timestamp

    package init(
        messageID: String, outcome: Outcome, reason: Reason?, body: [UInt8], correlationID: String?,
        traceparent: String?, tracestate: String?, completedAt: Timestamp
    ) {
        self.messageID = messageID
        self.outcome = outcome
        self.reason = reason
        self.body = body
        self.correlationID = correlationID
        self.traceparent = traceparent
        self.tracestate = tracestate
        self.completedAt = completedAt
    }

    /// The result of a job's generation. Without a correlation id of the message's own the job id stands for it.
    package init(_ result: JobResult, of jobID: JobID, trace: TraceContext = TraceContext(), at now: Timestamp) {
        self.init(
            messageID: JobResult.messageID(jobID, generation: result.generation), outcome: result.outcome,
            reason: result.reason, body: result.encoded(), correlationID: trace.correlationID ?? jobID.string,
            traceparent: trace.traceparent, tracestate: trace.tracestate, completedAt: now)
    }
}
