package import Clocks
import Telemetry

/// What the daemon knows of its surroundings and of itself beside its jobs.
extension DaemonStatus {
    /// A queue of the topology, as the broker counted it.
    package struct Queue: Equatable, Sendable {
        package var name: String
        /// Ready messages. Nil if the queue does not exist.
        package var messages: Int?
        package var consumers: Int?

        package init(name: String, messages: Int?, consumers: Int?) {
            self.name = name
            self.messages = messages
            self.consumers = consumers
        }
    }

    /// One loop of the liveness monitor.
    package struct Loop: Equatable, Sendable {
        package var name: String
        /// Since it last gave its token back.
        package var answeredAgo: Duration

        package init(name: String, answeredAgo: Duration) {
            self.name = name
            self.answeredAgo = answeredAgo
        }
    }

    /// The settings that the daemon works with.
    package struct LoadedSettings: Equatable, Sendable {
        package var loadedAt: Timestamp
        /// Whether the last reload took the file; true if there was none.
        package var reloadSucceeded: Bool

        package init(loadedAt: Timestamp, reloadSucceeded: Bool) {
            self.loadedAt = loadedAt
            self.reloadSucceeded = reloadSucceeded
        }
    }
}
