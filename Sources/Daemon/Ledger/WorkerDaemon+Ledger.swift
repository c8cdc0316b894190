import AMQP
import Clocks
import Jobs
package import Ledger
import Monitoring
import Telemetry
import Terminal

/// What the start has once the ledger is open.
struct OpenedLedger {
    let ledger: any LedgerKeeping
    /// What its workers have in common besides the jobs; nil if it has one only.
    let cluster: (any Cluster)?
    /// For questions to the broker.
    let session: BrokerAdmin
    /// What the jobs go by: where the ledger is shared, its clock, which is the same for all.
    let clock: any TimeSource
    /// Of a ledger that can be away while the daemon is told to stop.
    var outcomes: OutcomeKeeper?
    /// Of a ledger that may be put back to an older state while nobody works on it.
    var memory: LedgerMemoryKeeper?
}

/// What is the same for each kind of ledger.
extension WorkerDaemon {
    /// The ledger that the settings name. Nil if the daemon is told to stop first.
    func openLedger(_ eventRouter: EventRouter, _ front: DaemonInterface) async throws -> OpenedLedger? {
        guard let database = try startup(.settingsWrong, { try settings.database() }) else {
            return try await openEmbeddedLedger(eventRouter, front)
        }
        return try await joinSharedLedger(database, eventRouter, front)
    }

    func makeSession() throws -> BrokerAdmin {
        try BrokerAdmin(try startup(.settingsWrong) { try settings.link("inspect") })
    }

    /// For a ledger's `onBehind`: on its thread, so it must not block.
    func reportBehind(_ arrival: Arrival, _ metrics: MetricsRecorder) {
        metrics.isBehind()
        logger.warning(
            "a copy on due knows more of its job than the ledger: the ledger was lost or replaced by an older "
                + "one, and others of its jobs may be called twice",
            LogField("job", arrival.jobID.string), LogField("copy", arrival.copy),
            LogField("attempts", arrival.attempts))
    }
}

extension StartError {
    package init(_ error: LedgerError) {
        let status: ExitStatus =
            switch error {
            // A disk that is full now may not be so after the supervisor's next try.
            case .unavailable, .closed: .tryAgainLater
            case .unusable: .settingsWrong
            }
        self.init(description: error.description, status: status)
    }
}
