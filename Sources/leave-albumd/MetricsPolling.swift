import Ledger
import Pipeline
import Threads

/// Asks ledger and broker for what no scrape may wait for. Each on its own, so that one that hangs leaves the other's
/// numbers fresh.
struct MetricsPolling: Sendable {
    private let board: MetricsBoard
    private let clock: any Timekeeper
    private let questions: [@Sendable (MetricsBoard) async -> Void]

    /// As often as most Prometheus scrape.
    static let interval = Duration.seconds(15)

    /// `queueNames`: all queues of the topology. `dailyLimit`: `limits.requests_per_day` as it is now.
    init(
        board: MetricsBoard, ledger: SQLiteLedger, queues: any QueueInspecting, queueNames: [String],
        dailyLimit: @escaping @Sendable () -> Int, quotaDay: @escaping @Sendable (Timestamp) -> QuotaDay,
        clock: any Timekeeper
    ) {
        self.init(
            board: board, statistics: { try? await ledger.statistics() },
            diskFree: { [path = ledger.path] in
                // A file system that hangs must not take a thread of the pool with it.
                await NativeThread.offload("disk") { LedgerDisk.freeBytes(path: path) }
            },
            spent: { try? await ledger.count(of: quotaDay(clock.wall()).name) }, dailyLimit: dailyLimit,
            depth: { await queues.depth(of: $0) }, queueNames: queueNames, clock: clock)
    }

    /// Each answers nil when it cannot be asked.
    init(
        board: MetricsBoard, statistics: @escaping @Sendable () async -> LedgerStatistics?,
        diskFree: @escaping @Sendable () async -> Int?,
        spent: @escaping @Sendable () async -> DayCount?, dailyLimit: @escaping @Sendable () -> Int,
        depth: @escaping @Sendable (String) async -> QueueDepth??, queueNames: [String], clock: any Timekeeper
    ) {
        self.board = board
        self.clock = clock
        questions = [
            { board in
                if let statistics = await statistics() { board.polled(statistics) }
            },
            { board in
                if let bytes = await diskFree() { board.polled(diskFreeBytes: bytes) }
            },
            { board in
                let limit = dailyLimit()
                guard limit > 0 else { return board.polled(quotaRemaining: .infinity) }
                guard let count = await spent() else { return }
                board.polled(quotaRemaining: Double(max(0, limit - count.calls - count.probes)))
            },
            { board in
                var depths: [String: QueueDepth] = [:]
                for queue in queueNames {
                    guard !Task.isCancelled, case .some(let answer) = await depth(queue) else { return }
                    // A queue that does not exist has no depth.
                    if let answer { depths[queue] = answer }
                }
                board.polled(depths)
            },
        ]
    }

    /// Until cancelled, and until what was asked last has answered. What does not answer is not shown once its last
    /// word has grown old; why it does not is told elsewhere.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for question in questions {
                group.addTask {
                    while !Task.isCancelled {
                        await question(board)
                        await clock.sleep(for: Self.interval)
                    }
                }
            }
        }
    }
}
