/// A frame that came, copied out of the library's memory. Only what the links act on has a case of its own.
enum Frame: Equatable, Sendable {
    case deliver(Deliver)
    case returned(code: Int, text: String, exchange: String, routingKey: String)
    case header(bodySize: UInt64, Properties)
    case body([UInt8])
    case confirm(tag: UInt64, multiple: Bool)
    case refuse(tag: UInt64, multiple: Bool)
    /// The broker ended a consumer.
    case consumerCancelled(tag: String)
    /// The broker has ended a consumer as it was asked to: no delivery of it comes after this.
    case cancelConfirmed
    case channelClosed(code: Int, text: String)
    case connectionClosed(code: Int, text: String)
    case blocked(String)
    case unblocked
    case heartbeat
    /// A method that no request waits for, or a frame of another channel.
    case other

    struct Deliver: Equatable, Sendable {
        var consumerTag: String
        var deliveryTag: UInt64
        var isRedelivered: Bool
        var exchange: String
        var routingKey: String
    }
}
