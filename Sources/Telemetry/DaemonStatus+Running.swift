public import Threads

/// What the daemon knows of its surroundings and of itself beside its jobs.
extension DaemonStatus {
    /// A queue of the topology, as the broker counted it.
    public struct Queue: Equatable, Sendable {
        public var name: String
        /// Ready messages. Nil if the queue does not exist.
        public var messages: Int?
        public var consumers: Int?

        public init(name: String, messages: Int?, consumers: Int?) {
            self.name = name
            self.messages = messages
            self.consumers = consumers
        }
    }

    /// One loop of the liveness board.
    public struct Loop: Equatable, Sendable {
        public var name: String
        /// Since it last gave its token back.
        public var answeredAgo: Duration

        public init(name: String, answeredAgo: Duration) {
            self.name = name
            self.answeredAgo = answeredAgo
        }
    }

    /// The settings that the daemon works with.
    public struct LoadedSettings: Equatable, Sendable {
        public var loadedAt: Timestamp
        /// Whether the last reload took the file; true if there was none.
        public var reloadSucceeded: Bool

        public init(loadedAt: Timestamp, reloadSucceeded: Bool) {
            self.loadedAt = loadedAt
            self.reloadSucceeded = reloadSucceeded
        }
    }
}
