import AMQP
import Pipeline
import Settings

/// The pipeline's inbox: the consuming link, with what each mode of consumption means in queues.
struct BrokerInbox: Inbox {
    let link: ConsumingLink
    let settings: DaemonSettings

    func consume(_ consumption: Consumption) { link.consume(settings.queues(consumption)) }
    func ack(_ tag: DeliveryTag) { link.ack(tag) }
    func nack(_ tag: DeliveryTag) { link.nack(tag) }
    func abandon(_ tag: DeliveryTag) { link.abandon(tag) }
}

/// Queue depths over a session of its own.
struct BrokerQueues: QueueInspecting {
    let session: BrokerAdmin

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
