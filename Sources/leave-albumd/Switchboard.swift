import AMQP
import Ledger
import Pipeline
import Telemetry
import Threads

/// Passes on what links and ledger tell: to the log, and to the pipeline once there is one. What comes before that is
/// kept, because the links begin to talk when they are made.
final class Switchboard: Sendable {
    private struct State {
        var pipeline: Pipeline?
        var early: [@Sendable (Pipeline) -> Void] = []
    }

    private let state = Lock(State())
    private let logger: Logger
    private let board: StatusBoard

    init(logger: Logger, board: StatusBoard) {
        self.logger = logger
        self.board = board
    }

    func connect(_ pipeline: Pipeline) {
        let early = state.withLock { state in
            state.pipeline = pipeline
            defer { state.early = [] }
            return state.early
        }
        early.forEach { $0(pipeline) }
    }

    private func tell(_ message: @escaping @Sendable (Pipeline) -> Void) {
        let pipeline = state.withLock { state in
            if state.pipeline == nil { state.early.append(message) }
            return state.pipeline
        }
        if let pipeline { message(pipeline) }
    }

    func consuming(_ event: ConsumingEvent) {
        board.consuming(event)
        switch event {
        case .connected(let endpoint): logger.info("connected for consuming", LogField("broker", endpoint))
        case .consuming(let generation, let queues):
            logger.info(
                queues.isEmpty ? "consuming nothing" : "consuming", LogField("generation", Int(generation)),
                LogField("queues", queues.joined(separator: ",")))
            if !queues.isEmpty { tell { $0.consuming() } }
        case .message(let message): tell { $0.receive(message) }
        case .lost(let generation, let error):
            logger.warning("lost the consuming connection: \(error)")
            tell { $0.linkLost(generation: generation) }
        case .standby(let error):
            logger.notice("standing by: another worker is active (\(error.words))")
        case .stopped: break
        }
    }

    func publishing(_ event: PublishingEvent) {
        board.publishing(event)
        switch event {
        case .connected(let endpoint): logger.info("connected for publishing", LogField("broker", endpoint))
        case .lost(let error): logger.warning("lost the publishing connection: \(error)")
        case .blocked(let reason): tell { $0.brokerBlocked(reason) }
        case .unblocked: tell { $0.brokerBlocked(nil) }
        case .stopped: break
        }
    }

    func ledger(_ health: LedgerHealth) {
        switch health {
        case .available: logger.notice("the ledger can be written again")
        case .unavailable(let error): logger.error("\(error)")
        }
        tell { $0.ledgerHealth(health) }
    }
}
