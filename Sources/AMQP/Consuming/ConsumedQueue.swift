/// A queue to consume and how many of its messages may be in hand.
public struct ConsumedQueue: Hashable, Sendable {
    public var name: String
    public var prefetch: UInt16

    public init(name: String, prefetch: UInt16) {
        precondition(prefetch > 0, "a prefetch of 0 means no limit, and quorum queues stop at 2,000")
        self.name = name
        self.prefetch = prefetch
    }
}

/// A queue of the link's own, made anew on each connection and gone with it.
public struct PrivateQueue: Hashable, Sendable {
    public struct Binding: Hashable, Sendable {
        public var exchange: String
        public var routingKey: String

        public init(exchange: String, routingKey: String) {
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    public var name: String
    public var bindings: [Binding]

    public init(name: String, bindings: [Binding] = []) {
        self.name = name
        self.bindings = bindings
    }
}
