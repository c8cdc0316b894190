import AMQP
import Concurrency
import Credentials
import HTTP
import Ledger
import Pipeline
import Telemetry

/// What works once the ledger is open.
struct DaemonParts: Sendable {
    let ledger: any LedgerKeeping
    /// For what the ledger cannot take at the end; nil of one that is a file.
    let outcomes: OutcomeKeeper?
    let consuming: ConsumingLink
    let publishing: PublishingLink
    /// For questions: depths of queues, whether they are there.
    let session: BrokerAdmin
    let credentials: any CredentialProvider
    /// The API's; the pipeline's workers run on its thread.
    let engine: HTTPEngine
    /// The token endpoint's: a slow one must not delay the API's calls.
    let tokenEngine: HTTPEngine
    let pipeline: JobPipeline
    /// Nil: nobody wants spans.
    let traceExport: TraceExport?

    /// What must come round while the daemon works.
    var watched: [(name: String, service: any Pingable)] {
        let spans: [(name: String, service: any Pingable)] = traceExport.map { [("http spans", $0.engine)] } ?? []
        return [
            ("ledger", ledger), ("amqp consume", consuming), ("amqp publish", publishing), ("amqp ask", session),
            ("http", engine), ("http tokens", tokenEngine), ("workers", pipeline),
        ] + spans
    }

    /// What ends once the jobs have. No more deliveries, then no more results, then no more questions; the ledger,
    /// which has lines to write, ends after them, and the API's engine after the watchdog, whose pings the workers answer
    /// on its thread.
    var inStoppingOrder: [any RunningService] { [consuming, publishing, session, tokenEngine] }

    var queues: BrokerQueues { BrokerQueues(session: session) }
}
