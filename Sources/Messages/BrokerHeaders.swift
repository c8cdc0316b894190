package import AMQP

extension Properties {
    /// Times that the broker gave the message out before, by the header of a quorum queue.
    /// https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    package var deliveryCount: Int64 {
        guard case .integer(let count)? = headers?["x-delivery-count"] else { return 0 }
        return count
    }
}
