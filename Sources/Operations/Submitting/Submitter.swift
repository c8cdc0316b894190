package import AMQP
import Clocks
package import Jobs
import Messages

/// Publishes jobs as publishers should: persistent, mandatory, confirmed.
package struct Submitter: Sendable {
    private let outbox: any Publishing
    private let exchange: String
    private let routingKey: String

    /// Enough to hide the round trip; the link's own window bounds what is unconfirmed.
    private static let atOnce = 256

    package init(_ outbox: any Publishing, prefix: String, isBulk: Bool) {
        self.outbox = outbox
        exchange = QueueNames(prefix: prefix).jobsExchange
        routingKey = isBulk ? RoutingKey.leaveBulk : RoutingKey.leave
    }

    /// A job that the broker did not take.
    package struct Refusal: Error, Sendable, CustomStringConvertible {
        package let jobID: JobID?
        package let description: String
    }

    /// Publishes all of them, telling each that is confirmed, one after another. Stops at the first refusal, and once
    /// `goesOn` says no; what was told is published.
    package func submit(
        _ submissions: [Submission], while goesOn: () -> Bool = { true }, onConfirmed: (Submission) -> Void
    ) async throws(Refusal) {
        let refusal = await withTaskGroup(of: (Submission, Refusal?).self) { group in
            var first: Refusal?
            var next = submissions.startIndex
            var running = 0
            while true {
                while first == nil, next < submissions.endIndex, running < Self.atOnce, goesOn() {
                    let submission = submissions[next]
                    next += 1
                    running += 1
                    group.addTask { (submission, await publish(submission)) }
                }
                guard let (submission, refusal) = await group.next() else { return first }
                running -= 1
                if refusal == nil { onConfirmed(submission) }
                first = first ?? refusal
            }
        }
        if let refusal { throw refusal }
    }

    private func publish(_ submission: Submission) async -> Refusal? {
        var properties = Properties()
        properties.contentType = submission.contentType
        properties.messageID = submission.jobID?.string
        let outcome = await outbox.publish(
            Publication(exchange: exchange, routingKey: routingKey, properties: properties, body: submission.body))
        func refusal(_ text: String) -> Refusal {
            Refusal(jobID: submission.jobID, description: "job \(submission.jobID?.string ?? "without an id"): \(text)")
        }
        switch outcome {
        case .confirmed: return nil
        case .unroutable(let code, let text):
            let advice = PublishOutcome.advice(code: code, text: text)
            return refusal("publishing to exchange \(exchange), key \(routingKey): \(advice)")
        case .refused: return refusal("its queue refused it, because it is full or broken")
        case .invalid(let detail): return refusal(detail)
        case .unknown: return refusal("the connection was stopped before the broker answered; submit it again")
        }
    }
}
