import AMQP
import Concurrency
import Ledger
import Monitoring
import Pipeline
import Telemetry

/// Passes on what links and ledger tell: to the log, and to the pipeline once there is one. What comes before that is
/// kept, because the links begin to talk when they are made.
final class EventRouter: Sendable {
    private struct State {
        var pipeline: JobPipeline?
        var early: [@Sendable (JobPipeline) -> Void] = []
        var isNewConnection = false
        var consumed: Set<String> = []
    }

    /// Signalled when the consuming link may consume: where it has a queue of its own, it has that.
    let attached = AsyncSignal()
    /// Signalled once for each of its connections, then.
    let attachments = AsyncSignal()
    private let state = Lock(State())
    private let logger: Logger
    private let tracker: StatusTracker

    init(logger: Logger, tracker: StatusTracker) {
        self.logger = logger
        self.tracker = tracker
    }

    /// The queues that the consuming link consumes.
    var consumed: Set<String> { state.withLock { $0.consumed } }

    func connect(_ pipeline: JobPipeline) {
        let early = state.withLock { state in
            state.pipeline = pipeline
            defer { state.early = [] }
            return state.early
        }
        early.forEach { $0(pipeline) }
    }

    private func notify(_ message: @escaping @Sendable (JobPipeline) -> Void) {
        let pipeline = state.withLock { state in
            if state.pipeline == nil { state.early.append(message) }
            return state.pipeline
        }
        if let pipeline { message(pipeline) }
    }

    func consuming(_ event: ConsumingEvent) {
        tracker.consuming(event)
        switch event {
        case .connected(let endpoint):
            state.withLock { $0.isNewConnection = true }
            logger.info("connected for consuming", LogField("broker", endpoint))
        case .consuming(let generation, let queues):
            let isFirst = state.withLock { state in
                state.consumed = Set(queues)
                defer { state.isNewConnection = false }
                return state.isNewConnection
            }
            if isFirst { attachments.signal() }
            logger.info(
                queues.isEmpty ? "consuming nothing" : "consuming", LogField("generation", Int(generation)),
                LogField("queues", queues.joined(separator: ",")))
            if !queues.isEmpty { notify { $0.consuming() } }
            attached.signal()
        case .message(let message): notify { $0.receive(message) }
        case .lost(let generation, let error):
            logger.warning("lost the consuming connection: \(error)")
            notify { $0.linkLost(generation: generation) }
        case .standby(let error):
            logger.notice("standing by: another worker is active (\(error.message))")
        case .stopped: break
        }
    }

    func publishing(_ event: PublishingEvent) {
        tracker.publishing(event)
        switch event {
        case .connected(let endpoint): logger.info("connected for publishing", LogField("broker", endpoint))
        case .lost(let error): logger.warning("lost the publishing connection: \(error)")
        case .blocked(let reason): notify { $0.brokerBlocked(reason) }
        case .unblocked: notify { $0.brokerBlocked(nil) }
        case .stopped: break
        }
    }

    func ledger(_ health: LedgerHealth) {
        switch health {
        case .available: logger.notice("the ledger can be written again")
        case .comparing(let detail): logger.warning(detail)
        case .unavailable(let error): logger.error("\(error)")
        }
        notify { $0.ledgerHealth(health) }
    }
}
