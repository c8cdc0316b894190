import AMQP
import Credentials
import HTTP
import Ledger
import Pipeline
import Telemetry
import Threads

/// What works once the ledger is open.
struct DaemonParts: Sendable {
    let ledger: SQLiteLedger
    let consuming: ConsumingLink
    let publishing: PublishingLink
    /// For questions: depths of queues, whether they are there.
    let session: BrokerSession
    let credentials: any CredentialProvider
    /// The API's.
    let engine: HTTPEngine
    /// The token endpoint's: a slow one must not delay the API's calls.
    let tokenEngine: HTTPEngine
    let pipeline: Pipeline
    /// The thread of the pipeline's workers.
    let workers: ThreadExecutor

    /// Whoever must come round while the daemon works.
    var loops: [(name: String, ping: LivenessBoard.Ping)] {
        [
            ("ledger", { ledger.ping($0) }), ("amqp consume", { consuming.ping($0) }),
            ("amqp publish", { publishing.ping($0) }), ("amqp ask", { session.ping($0) }),
            ("http", { engine.ping($0) }), ("http tokens", { tokenEngine.ping($0) }),
            ("workers", { pipeline.ping($0) }),
        ]
    }

    var queues: BrokerQueues { BrokerQueues(session: session) }
}
