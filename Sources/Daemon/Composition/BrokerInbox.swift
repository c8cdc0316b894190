import AMQP
import Pipeline
import Settings

/// The pipeline's inbox: the consuming link, with what each mode of consumption means in queues. A class, because each
/// delivery takes it along.
final class BrokerInbox: Inbox {
    let link: ConsumingLink
    /// Those of the start: what is consumed changes with a restart only.
    let startSettings: DaemonSettings

    init(link: ConsumingLink, startSettings: DaemonSettings) {
        self.link = link
        self.startSettings = startSettings
    }

    func consume(_ consumption: Consumption) { link.consume(startSettings.queues(consumption)) }
    func ack(_ tag: DeliveryTag) { link.ack(tag) }
    func nack(_ tag: DeliveryTag) { link.nack(tag) }
    func abandon(_ tag: DeliveryTag) { link.abandon(tag) }
}
