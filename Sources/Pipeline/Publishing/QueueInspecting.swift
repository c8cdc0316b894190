/// What the broker says of a queue.
package struct QueueDepth: Equatable, Sendable {
    package var messages: Int
    package var consumers: Int

    package init(messages: Int, consumers: Int) {
        self.messages = messages
        self.consumers = consumers
    }
}

/// Looks at queues from outside the job's path: a connection of its own, or a test.
package protocol QueueInspecting: Sendable {
    /// Nil if the broker could not be asked; `.some(nil)` if there is no such queue.
    func depth(of queue: String) async -> QueueDepth??
}
