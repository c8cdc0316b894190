import AMQP
import Clocks
import Jobs
import Ledger
import Messages

/// What is left to do for a delivery once its outcome is durable: the messages that the broker has to have, what is
/// said when it has them, and how the delivery ends then.
struct Outgoing: Sendable {
    /// A clean copy of the message for one of the worker's own queues.
    struct Copy: Sendable {
        let message: IncomingMessage
        let jobID: JobID?
        let jobHeaders: JobHeaders
        let queue: String
        /// As the ledger counts it, which marks it as published; nil for a copy that it did not decide.
        var number: Int?
    }

    enum End: Sendable {
        case ack
        /// The delivery stays in flight until then.
        case delay(InFlightMessage, until: MonotonicTime)
    }

    var closed: ClosedGeneration?
    var result: StoredResult?
    /// The span in which the result is sent, as the result itself says; nil: in one that is made then.
    var resultSpan: OpenSpan?
    /// The broker has had the result before.
    var isReplay = false
    /// Where a copy of the result goes, too.
    var replyTo: String?
    var deadLetter: DeadLetter?
    var copy: Copy?
    /// Whose row is marked with what the broker confirms; nil where the ledger waits for nothing.
    var owner: (jobID: JobID, generation: Int)?
    /// The job's progress, reported once it is so.
    var report: JobProgress?
    var event: PipelineEvent?
    /// When the message came that is at its end.
    var settledSince: MonotonicTime?
    var end = End.ack
}
