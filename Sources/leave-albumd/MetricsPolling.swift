import Ledger
import Pipeline
import Threads

/// Asks ledger and broker for what no scrape may wait for. Each on its own, so that one that hangs leaves the other's
/// numbers fresh.
struct MetricsPolling: Sendable {
    let board: MetricsBoard
    let ledger: any Ledger
    let queues: any QueueInspecting
    /// All queues of the topology.
    let queueNames: [String]
    /// `limits.requests_per_day` of now.
    let dailyLimit: @Sendable () -> Int
    let quotaDay: @Sendable (Timestamp) -> QuotaDay
    let clock: any Timekeeper

    /// As often as most Prometheus scrape.
    static let interval = Duration.seconds(15)

    /// Until cancelled, and until what was asked last has answered.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await every { await askLedger() } }
            group.addTask { await every { await askBroker() } }
        }
    }

    private func every(_ body: () async -> Void) async {
        while !Task.isCancelled {
            await body()
            await clock.sleep(for: Self.interval)
        }
    }

    /// What does not answer is not shown once its last word has grown old; why it does not is told elsewhere.
    private func askLedger() async {
        if let statistics = try? await ledger.statistics() { board.polled(statistics) }
        let limit = dailyLimit()
        guard limit > 0 else { return board.polled(quotaRemaining: .infinity) }
        if let count = try? await ledger.count(of: quotaDay(clock.wall()).name) {
            board.polled(quotaRemaining: Double(max(0, limit - count.calls - count.probes)))
        }
    }

    private func askBroker() async {
        var depths: [String: QueueDepth] = [:]
        for queue in queueNames {
            guard !Task.isCancelled, case .some(let depth) = await queues.depth(of: queue) else { return }
            // A queue that does not exist has no depth.
            if let depth { depths[queue] = depth }
        }
        board.polled(depths)
    }
}
