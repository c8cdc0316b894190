/// What the consuming link tells, on its own thread. A handler must not block.
public enum ConsumingEvent: Sendable {
    case connected(endpoint: String)
    /// The queues are consumed; deliveries carry this generation.
    case consuming(generation: UInt64, queues: [String])
    case message(IncomingMessage)
    /// The deliveries up to this generation are the broker's again.
    case lost(generation: UInt64, LinkError)
    /// The private queue is another worker's: waiting for it to go.
    case standby(LinkError)
    case stopped
}
