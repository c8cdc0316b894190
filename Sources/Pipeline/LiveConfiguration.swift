import Concurrency
import Messages

/// The configuration in force. Whoever decides something looks here, so that a reload holds from the next decision on.
final class LiveConfiguration: Sendable {
    // Written by a reload, read by workers; under the lock.
    private let state: Lock<PipelineConfiguration>

    init(_ configuration: PipelineConfiguration) {
        state = Lock(configuration)
    }

    var now: PipelineConfiguration { state.withLock { $0 } }
    // Asked for each result, and for each message that may be an event.
    var resultEvents: ResultEvents? { state.withLock { $0.resultEvents } }
    // Asked where a job fails to end.
    var reportsProgress: Bool { state.withLock { $0.progress } }
    var eventTypes: [String] { state.withLock { $0.eventTypes } }

    /// Returns what was in force before.
    func replace(with next: PipelineConfiguration) -> PipelineConfiguration {
        state.withLock { configuration in
            defer { configuration = next }
            return configuration
        }
    }
}
