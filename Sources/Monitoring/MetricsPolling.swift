package import Clocks
package import Ledger
package import Pipeline

/// Asks ledger and broker for what no scrape may wait for. Each on its own, so that one that hangs leaves the other's
/// numbers fresh.
package struct MetricsPolling: Sendable {
    private let recorder: MetricsRecorder
    private let clock: any TimeSource
    private let questions: [@Sendable (MetricsRecorder) async -> Void]

    /// As often as most Prometheus scrape.
    package static let interval = Duration.seconds(15)

    /// `queueNames`: all queues of the topology. `dailyLimit`: `limits.requests_per_day` as it is now.
    package init(
        recorder: MetricsRecorder, ledger: any LedgerKeeping, queues: any QueueInspecting, queueNames: [String],
        dailyLimit: @escaping @Sendable () -> Int, quotaDay: @escaping @Sendable (Timestamp) -> QuotaDay,
        clock: any TimeSource
    ) {
        self.init(
            recorder: recorder, statistics: { try? await ledger.statistics() },
            members: { ledger.member == nil ? nil : try? await ledger.members() },
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
        diskFree: @escaping @Sendable () async -> Int?,
        spent: @escaping @Sendable () async -> (day: String, count: DayCount)?,
        dailyLimit: @escaping @Sendable () -> Int,
        depth: @escaping @Sendable (String) async -> QueueDepth??, queueNames: [String], clock: any TimeSource
    ) {
        self.recorder = recorder
        self.clock = clock
        questions = [
            { recorder in
                if let statistics = await statistics() { recorder.polled(statistics) }
            },
            { recorder in
                if let members = await members() { recorder.polled(members) }
            },
            { recorder in
                if let bytes = await diskFree() { recorder.polled(diskFreeBytes: bytes) }
            },
            { recorder in
                let limit = dailyLimit()
                guard limit > 0 else { return recorder.polled(quotaRemaining: .infinity) }
                guard let (day, count) = await spent() else { return }
                recorder.polled(count, of: day, limit: limit)
            },
            { recorder in
                var depths: [String: QueueDepth] = [:]
                for queue in queueNames {
                    guard !Task.isCancelled, case .some(let answer) = await depth(queue) else { return }
                    // A queue that does not exist has no depth.
                    if let answer { depths[queue] = answer }
                }
                recorder.polled(depths)
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
                        await question(recorder)
                        await clock.sleep(for: Self.interval)
                    }
                }
            }
        }
    }
}
