import Jobs

/// The names of the daemon's exchanges and queues under one prefix, the setting `broker.prefix`. docs/messages.md lists
/// them; publishers and consumers are configured with them, so they never change.
package struct QueueNames: Hashable, Sendable {
    package let prefix: String

    package init(prefix: String) {
        self.prefix = prefix
    }

    // MARK: Exchanges

    /// Where publishers send jobs and cancels; see `RoutingKey`.
    package var jobsExchange: String { name("jobs") }
    /// Where the worker sends dead letters.
    package var deadLetterExchange: String { name("dead") }
    /// Where the worker sends results.
    package var resultsExchange: String { name("results") }

    // MARK: Queues

    /// The queue of a lane.
    package func queue(_ lane: Lane) -> String { name(lane.rawValue) }

    /// The delay queue of one of `retry.delays`, a whole number of seconds.
    package func retry(_ delay: Duration) -> String { "\(retryStart)\(delay.components.seconds)s" }

    /// Whether a queue is a delay queue, of these settings or of earlier ones.
    package func isRetry(_ queue: String) -> Bool { queue.hasPrefix(retryStart) }

    /// Where dead letters wait for an operator.
    package var deadLetters: String { name("dead") }
    /// Where results wait for their consumer.
    package var results: String { name("results") }
    /// The exclusive queue by which one worker at a time consumes.
    package var worker: String { name("worker") }

    /// The queue of one follower of the results; it goes with its connection.
    package func follower(_ id: some StringProtocol) -> String { name("tail.\(id)") }

    /// The lane whose queue has this name, or nil. No string is made: it is asked of each message that comes.
    package func lane(of queue: String) -> Lane? {
        let own = prefix.utf8
        let rest = queue.utf8.dropFirst(own.count)
        guard queue.utf8.starts(with: own), rest.first == UInt8(ascii: ".") else { return nil }
        return Lane.allCases.first { $0.rawValue.utf8.elementsEqual(rest.dropFirst()) }
    }

    /// Whether what lies in a queue of the topology is a job without a result.
    package func isBacklog(_ queue: String) -> Bool {
        queue != results && queue != deadLetters && queue != self.queue(.cancel)
    }

    private var retryStart: String { name("retry.") }

    private func name(_ suffix: String) -> String { "\(prefix).\(suffix)" }
}

/// The routing keys of the daemon's exchanges.
package enum RoutingKey {
    /// Of an interactive job.
    package static let leave = "leave"
    /// Of a job of mass offboarding.
    package static let leaveBulk = "leave.bulk"
    /// Of a cancel.
    package static let cancel = "cancel"
    /// Binds a queue to all results.
    package static let everyResult = "leave.#"

    /// Of a job's progress; nothing of the topology is bound to it.
    static func progress(_ state: ProgressState) -> String { "progress.\(state.rawValue)" }

    /// Of a result.
    static func result(_ outcome: Outcome) -> String { "leave.\(outcome.rawValue)" }
}
