import AMQP
import Pipeline

/// The depths that the pipeline and the metrics ask for, over a session of its own: it is asked while the links
/// wait, and its connection may be gone without any job being the worse for it.
struct BrokerQueues: QueueInspecting {
    let session: BrokerAdmin

    /// Nil if the broker cannot be asked now; nil inside it for a queue that does not exist.
    func depth(of queue: String) async -> QueueDepth?? {
        do throws(LinkError) {
            return .some(
                try await session.inspect(queue: queue).map {
                    QueueDepth(messages: $0.messages, consumers: $0.consumers)
                })
        } catch {
            return nil
        }
    }
}
