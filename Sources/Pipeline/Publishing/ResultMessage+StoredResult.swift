package import Ledger
package import Messages

extension ResultMessage {
    /// A stored result as the message that carries it. `isReplayed`: the broker has had it before.
    package init(_ stored: StoredResult, isReplayed: Bool) {
        self.init(
            messageID: stored.messageID, correlationID: stored.correlationID, traceparent: stored.traceparent,
            tracestate: stored.tracestate, outcome: stored.outcome, completedAt: stored.completedAt,
            body: stored.body, isReplayed: isReplayed)
    }
}
