/// Where deliveries are settled: the consuming link, or a test's inbox.
///
/// Every call is a post, from any thread, which neither waits nor fails: a settlement of an older connection is a
/// counted no-op, because the broker has given that delivery out again.
public protocol Settling: Sendable {
    func ack(_ tag: DeliveryTag)
    /// basic.nack with requeue. It costs the message a delivery count.
    func nack(_ tag: DeliveryTag)
    /// As `nack`, for a delivery that somebody forgot: counted, and said in the log.
    func abandon(_ tag: DeliveryTag)
}
