/// A queue to consume and how many of its messages may be in flight.
package struct ConsumedQueue: Hashable, Sendable {
    package var name: String
    package var prefetch: UInt16

    package init(name: String, prefetch: UInt16) {
        precondition(prefetch > 0, "a prefetch of 0 means no limit, and quorum queues stop at 2,000")
        self.name = name
        self.prefetch = prefetch
    }
}

/// A queue of the link's own, made anew on each connection and gone with it.
package struct PrivateQueue: Hashable, Sendable {
    package struct Binding: Hashable, Sendable {
        package var exchange: String
        package var routingKey: String

        package init(exchange: String, routingKey: String) {
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    package var name: String
    package var bindings: [Binding]

    package init(name: String, bindings: [Binding] = []) {
        self.name = name
        self.bindings = bindings
    }
}
