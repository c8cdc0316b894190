package import Clocks
package import Ledger
package import Pipeline

/// Asks ledger and broker for what no scrape may wait for. Each on its own, so that one that hangs leaves the other's
/// numbers fresh.
package struct MetricsPolling: Sendable {
    private let recorder: MetricsRecorder
    private let clock: any TimeSource
    /// Each returns the pause before it is asked again.
    private let questions: [@Sendable (MetricsRecorder) async -> Duration]

    /// As often as most Prometheus scrape.
    package static let interval = Duration.seconds(15)
    /// The database answers all daemons, and of what changes in it by people or in a failover.
    private static let databaseInterval = Duration.seconds(30)
    /// Counting jobs takes a hundredth of the time at most: a number means the same in a large ledger as in a small one, and
    /// is older there.
    private static let pauses = 100
    private static let longestPause = Duration.seconds(1_800)

    static func pause(afterCounting time: Duration?) -> Duration {
        max(interval, min((time ?? .zero) * pauses, longestPause))
    }

    /// `queueNames`: all queues of the topology. `dailyLimit`: `limits.requests_per_day` as it is now.
    package init(
        recorder: MetricsRecorder, ledger: any LedgerKeeping, queues: any QueueInspecting, queueNames: [String],
        dailyLimit: @escaping @Sendable () -> Int, quotaDay: @escaping @Sendable (Timestamp) -> QuotaDay,
        clock: any TimeSource
    ) {
        self.init(
            recorder: recorder, statistics: { try? await ledger.statistics() },
            members: { ledger.member == nil ? nil : try? await ledger.members() },
            database: { try? await ledger.condition() },
            diskFree: { await ledger.diskFreeBytes() },
            spent: {
                let day = quotaDay(clock.wall()).name
                guard let count = try? await ledger.count(of: day) else { return nil }
                return (day, count)
            }, dailyLimit: dailyLimit,
            depth: { await queues.depth(of: $0) }, queueNames: queueNames, clock: clock)
    }

    /// Each answers nil when it cannot be asked.
    package init(
        recorder: MetricsRecorder, statistics: @escaping @Sendable () async -> LedgerStatistics?,
        members: @escaping @Sendable () async -> [ClusterMember]? = { nil },
        database: @escaping @Sendable () async -> DatabaseCondition? = { nil },
        diskFree: @escaping @Sendable () async -> Int?,
        spent: @escaping @Sendable () async -> (day: String, count: DayCount)?,
        dailyLimit: @escaping @Sendable () -> Int,
        depth: @escaping @Sendable (String) async -> QueueDepth??, queueNames: [String], clock: any TimeSource
    ) {
        self.recorder = recorder
        self.clock = clock
        questions = [
            { recorder in
                guard let statistics = await statistics() else { return Self.interval }
                let pause = Self.pause(afterCounting: statistics.countingTime)
                recorder.polled(statistics, before: pause)
                return pause
            },
            { recorder in
                if let members = await members() { recorder.polled(members) }
                return Self.interval
            },
            { recorder in
                if let condition = await database() { recorder.polled(condition) }
                return Self.databaseInterval
            },
            { recorder in
                if let bytes = await diskFree() { recorder.polled(diskFreeBytes: bytes) }
                return Self.interval
            },
            { recorder in
                let limit = dailyLimit()
                if limit <= 0 { recorder.polled(quotaRemaining: .infinity) }
                // Also of a day without a limit people want to know how many they were.
                if let (day, count) = await spent() { recorder.polled(count, of: day, limit: limit) }
                return Self.interval
            },
            { recorder in
                var depths: [String: QueueDepth] = [:]
                for queue in queueNames {
                    guard !Task.isCancelled, case .some(let answer) = await depth(queue) else {
                        return Self.interval
                    }
                    // A queue that does not exist has no depth.
                    if let answer { depths[queue] = answer }
                }
                recorder.polled(depths)
                return Self.interval
            },
        ]
    }

    /// Until cancelled, and until what was asked last has answered. What does not answer is not shown once its last
    /// word has grown old; why it does not is told elsewhere.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for question in questions {
                group.addTask {
                    while !Task.isCancelled {
                        await clock.sleep(for: question(recorder))
                    }
                }
            }
        }
    }
}
