import Threads

/// What the pipeline was told last. Whoever decides something looks here, so that a reload holds from the next decision
/// on.
final class LiveConfiguration: Sendable {
    // Written by a reload, read by workers; under the lock.
    private let state: Lock<PipelineConfiguration>

    init(_ configuration: PipelineConfiguration) {
        state = Lock(configuration)
    }

    var now: PipelineConfiguration { state.withLock { $0 } }

    /// Takes over what can change while jobs are in hand. Returns what was in force before.
    func adopt(_ next: PipelineConfiguration) -> PipelineConfiguration {
        state.withLock { configuration in
            let before = configuration
            configuration.perAccount = next.perAccount
            configuration.requestsPerMinutePerAccount = next.requestsPerMinutePerAccount
            configuration.requestsPerSecond = next.requestsPerSecond
            configuration.requestsPerDay = next.requestsPerDay
            configuration.pace = next.pace
            configuration.maxAttempts = next.maxAttempts
            configuration.maxAge = next.maxAge
            configuration.assumeLeftAfterAmbiguous = next.assumeLeftAfterAmbiguous
            configuration.replyToAllow = next.replyToAllow
            configuration.canary = next.canary
            return before
        }
    }
}
