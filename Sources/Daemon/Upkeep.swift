import Clocks
import Ledger
import Settings
import Telemetry

/// What the ledger needs while the daemon runs: old jobs go when their retention is over. Of the daemons that share it
/// one at a time sees to that.
struct Upkeep: Sendable {
    let ledger: any LedgerKeeping
    /// Nil: nobody shares it.
    let cluster: (any Cluster)?
    let settings: LiveSettings
    let clock: any TimeSource
    let logger: Logger

    /// Often enough that each round is short.
    private static let interval = Duration.seconds(3_600)
    /// Delay of the first upkeep, past the backlog that a start begins with.
    private static let firstRound = Duration.seconds(60)

    /// Until cancelled.
    func run() async {
        var wait = Self.firstRound
        while true {
            await clock.sleep(for: wait)
            guard !Task.isCancelled else { return }
            if await isMine() { await prune() }
            wait = Self.interval
        }
    }

    private func isMine() async -> Bool {
        guard let cluster else { return true }
        return await cluster.take(.retention) != nil
    }

    private func prune() async {
        do throws(LedgerError) {
            let count = try await ledger.prune(before: clock.wall() - settings.now.ledger.retention)
            if count > 0 { logger.info("forgot jobs that are older than the retention", LogField("jobs", count)) }
        } catch {
            logger.warning("old jobs stay in the ledger for now: \(error)")
        }
    }
}
