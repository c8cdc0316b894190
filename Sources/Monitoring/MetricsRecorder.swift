import AMQP
package import Clocks
import Concurrency
package import Credentials
import Jobs
package import Ledger
import Photos
package import Pipeline
import Telemetry

/// Keeps the daemon's metrics: counts what is told as it happens, and reads the rest when somebody scrapes.
///
/// A scrape asks nobody who could be slow. What broker and ledger say comes from `MetricsPolling`, and is left out of
/// the text when it has grown old: no number is better than one that was true once.
package final class MetricsRecorder: Sendable {
    private struct Polled<Value: Sendable>: Sendable {
        var value: Value
        var at: MonotonicTime
        /// Shown for so long, if nothing newer comes.
        var lasts = MetricsRecorder.stale
    }

    private struct State {
        var sources: MetricsSources?
        var ledger: Polled<LedgerStatistics>?
        var members: Polled<[ClusterMember]>?
        var database: Polled<DatabaseCondition>?
        var diskFree: Polled<Int>?
        var quota: Polled<Double>?
        var day: Polled<(name: String, count: DayCount)>?
        var depths: Polled<[String: QueueDepth]>?
        /// All queues that ever had a depth: one that is gone must not keep its last.
        var queues: Set<String> = []
    }

    package let metrics: MetricsCatalogue
    let registry: MetricRegistry
    private let stateWord: @Sendable () -> String
    private let clock: any TimeSource
    private let state = Lock(State())
    /// As whom this daemon was shown last.
    private let lastMember = Lock<MemberIdentity?>(nil)
    /// The series of a job that goes as most go, so that nothing is looked up for it.
    private let usual: (job: MetricCounter, attempt: MetricCounter, request: MetricCounter)

    /// Four polls that brought nothing.
    package static let stale = MetricsPolling.interval * 4

    /// `state`: the word of `/readyz`. `delays`: those of the retry queues.
    package init(version: String, delays: [Duration], clock: any TimeSource, state: @escaping @Sendable () -> String) {
        let metrics = MetricsCatalogue()
        self.metrics = metrics
        registry = MetricRegistry(prefix: MetricsCatalogue.prefix, catalogue: metrics)
        self.clock = clock
        stateWord = state
        usual = (
            metrics.jobs.with(Outcome.left.rawValue, ""), metrics.attempts.with("left"), metrics.requests.with("200")
        )
        metrics.buildInfo.with(version).set(1)
        metrics.configReload.set(true)
        metrics.lastSuccess.set(0)
        // Whoever watches an increase needs to have seen the zero before it.
        for outcome in [Outcome.left, .alreadyLeft] { _ = metrics.jobs.with(outcome.rawValue, "") }
        for reason in Reason.allCases {
            _ = metrics.jobs.with(reason.outcome.rawValue, reason.rawValue)
            _ = metrics.deadLetters.with(reason.rawValue)
        }
        for cause in StepAside.allCases { _ = metrics.stepsAside.with(cause.rawValue) }
        for delay in delays.map(Optional.some) + [nil] { _ = metrics.retries.with(Self.label(delay)) }
        for word in TokenAnswer.labels { _ = metrics.tokenRefreshes.with(word) }
        for result in ["delivered", "lost"] { _ = metrics.replyCopies.with(result) }
        for link in ["consume", "publish"] { _ = metrics.brokerReconnects.with(link) }
        for result in ["sent", "dropped"] { _ = metrics.progressMessages.with(result) }
    }

    /// Once pipeline and links are there.
    package func connect(_ sources: MetricsSources) { state.withLock { $0.sources = sources } }

    // MARK: What happens

    /// From any thread; does not block.
    package func take(_ event: PipelineEvent) {
        switch event {
        case .ended(let job):
            series(job.outcome, job.reason).add()
            // A rejected message never became a job, and was never first seen.
            if job.outcome != .rejected { metrics.timeToResult.observe(job.timeToResult) }
            switch job.outcome {
            case .left, .alreadyLeft: metrics.lastSuccess.set(clock.wall())
            case .failed, .rejected: break
            }
        case .settled(let time): metrics.jobDuration.observe(time)
        case .replayed: metrics.replays.add()
        case .called(let call) where !call.isSent: metrics.gateClosed.add()
        case .called(let call):
            (call.verdict == "left" ? usual.attempt : metrics.attempts.with(call.verdict)).add()
            series(ofStatus: call.httpStatus).add()
            metrics.requestDuration.observe(call.duration)
        case .parked(let job): metrics.retries.with(Self.label(job.delay)).add()
        case .steppedAside(let job): metrics.stepsAside.with(job.cause.rawValue).add()
        case .deadLetterPublished(let reason): metrics.deadLetters.with(reason.rawValue).add()
        case .replyCopy(let delivered): metrics.replyCopies.with(delivered ? "delivered" : "lost").add()
        case .released, .cancelled, .holdsChanged, .accountWaits, .accountGoesOn, .forgedHeaders, .headersDropped,
            .quarantine, .publishRefused, .ledgerRefused, .fenced, .overdue:
            break
        }
    }

    private func series(_ outcome: Outcome, _ reason: Reason?) -> MetricCounter {
        if case .left = outcome, reason == nil { return usual.job }
        return metrics.jobs.with(outcome.rawValue, reason?.rawValue ?? "")
    }

    private func series(ofStatus status: Int?) -> MetricCounter {
        status == 200 ? usual.request : metrics.requests.with(status.map { String($0) } ?? "none")
    }

    /// For the ledger's `onCommit`.
    package func committed(_ operations: Int, _ took: Duration) {
        metrics.ledgerBatchSize.observe(Double(operations))
        metrics.ledgerCommitDuration.observe(took)
    }

    /// For a shared ledger's `onRoundTrip`.
    package func answered(after took: Duration) { metrics.ledgerRoundTrip.observe(took) }

    /// Records that wait in `ledger.spool`.
    package func spooled(_ count: Int) { metrics.spooledRecords.set(count) }

    /// For the ledger's `onBehind`.
    package func isBehind() { metrics.ledgerBehind.add() }

    /// For the token cache's `onRefresh`.
    package func refreshed(_ answer: TokenAnswer) { metrics.tokenRefreshes.with(answer.word).add() }

    /// For the token cache's `onLostGrant`.
    package func lostGrant() { metrics.lostGrants.add() }

    /// For the exporter of spans.
    package func exportedSpans(_ count: Int) { metrics.spansExported.add(count) }
    package func droppedSpans(_ count: Int) { metrics.spansDropped.add(count) }

    package func reloaded(isGood: Bool) { metrics.configReload.set(isGood) }

    // MARK: What the polling brings

    /// `pause`: how long after this the next will be asked for.
    package func polled(_ statistics: LedgerStatistics, before pause: Duration = MetricsPolling.interval) {
        let now = clock.now()
        let lasts = Self.stale - MetricsPolling.interval + pause
        state.withLock { $0.ledger = Polled(value: statistics, at: now, lasts: lasts) }
    }

    package func polled(_ members: [ClusterMember]) {
        let now = clock.now()
        state.withLock { $0.members = Polled(value: members, at: now) }
    }

    package func polled(_ condition: DatabaseCondition) {
        let now = clock.now()
        state.withLock { $0.database = Polled(value: condition, at: now) }
    }

    /// Space on the ledger's disk, which is asked for even when the ledger has none to answer with.
    package func polled(diskFreeBytes bytes: Int) {
        let now = clock.now()
        state.withLock { $0.diskFree = Polled(value: bytes, at: now) }
    }

    /// What the ledger has counted of a day, of all who work on it. `limit`: 0 is none.
    package func polled(_ count: DayCount, of day: String, limit: Int) {
        if limit > 0 { polled(quotaRemaining: Double(max(0, limit - count.calls - count.albumQueries))) }
        let now = clock.now()
        state.withLock { $0.day = Polled(value: (day, count), at: now) }
    }

    /// `remaining`: infinite without a limit.
    package func polled(quotaRemaining remaining: Double) {
        let now = clock.now()
        state.withLock { $0.quota = Polled(value: remaining, at: now) }
    }

    package func polled(_ depths: [String: QueueDepth]) {
        let now = clock.now()
        state.withLock { state in
            state.depths = Polled(value: depths, at: now)
            state.queues.formUnion(depths.keys)
        }
    }

    /// What the polling brought last, as long as it is fresh.
    package var lastDay: (name: String, count: DayCount)? {
        state.withLock { [clock] in Self.fresh($0.day, at: clock.now())?.value }
    }

    /// Of a ledger that is seldom counted they are about right.
    package var lastLedger: LedgerStatistics? {
        let now = clock.now()
        guard let polled = state.withLock({ Self.fresh($0.ledger, at: now) }) else { return nil }
        var statistics = polled.value
        if now - polled.at > Self.stale { statistics.isEstimated = true }
        return statistics
    }

    package var lastMembers: [ClusterMember]? {
        state.withLock { [clock] in Self.fresh($0.members, at: clock.now())?.value }
    }

    /// Depths of the queues, and how old they are.
    package var lastDepths: (depths: [String: QueueDepth], age: Duration)? {
        let now = clock.now()
        return state.withLock { Self.fresh($0.depths, at: now).map { ($0.value, now - $0.at) } }
    }

    private static func fresh<Value>(_ polled: Polled<Value>?, at now: MonotonicTime) -> Polled<Value>? {
        polled.flatMap { now - $0.at <= $0.lasts ? $0 : nil }
    }

    private static func label(_ delay: Duration?) -> String {
        delay.map { "\($0.components.seconds)s" } ?? "due"
    }

    // MARK: A scrape

    /// Prometheus' text.
    package func text() -> [UInt8] {
        let word = stateWord()
        metrics.consuming.set(word == "consuming")
        metrics.active.set(word != "standby" && word != "connecting")
        let state = state.withLock { $0 }
        if let sources = state.sources {
            read(sources)
        } else {
            // A standby has no links and wants none; who has not begun wants both.
            for link in ["consume", "publish"] { metrics.brokerConnected.with(link).set(word == "standby" ? nil : 0) }
        }
        let now = clock.now()
        show(Self.fresh(state.members, at: now)?.value)
        show(Self.fresh(state.database, at: now)?.value)
        let ledger = Self.fresh(state.ledger, at: now)?.value
        show(ledger)
        metrics.ledgerDiskFree.set(Self.fresh(state.diskFree, at: now)?.value ?? ledger?.diskFreeBytes)
        metrics.quotaRemaining.set(Self.fresh(state.quota, at: now)?.value)
        show(Self.fresh(state.depths, at: now)?.value ?? [:], of: state.queues)
        return registry.text()
    }

    private func read(_ sources: MetricsSources) {
        let pipeline = sources.pipeline()
        metrics.inFlight.set(pipeline.inFlight)
        metrics.oldestJobAge.set(pipeline.oldestInFlight?.inSeconds ?? 0)
        metrics.heldAccounts.set(pipeline.heldAccounts.values.reduce(0, +))
        for (cause, count) in pipeline.heldAccounts { metrics.accountHolds.with(cause).set(count) }
        let holds = Dictionary(pipeline.holds.map { ($0.cause, $0) }) { first, _ in first }
        for cause in HoldCause.allCases {
            metrics.hold.with(cause.rawValue).set(holds[cause] != nil)
            metrics.holdSince.with(cause.rawValue).set(holds[cause]?.since)
            metrics.holdNextProbe.with(cause.rawValue).set(holds[cause]?.nextProbeAt)
        }
        let (consuming, publishing) = (sources.consuming(), sources.publishing())
        for (link, reading) in [("consume", consuming), ("publish", publishing)] {
            metrics.brokerConnected.with(link).set(reading.isConnected)
            metrics.brokerReconnects.with(link).catchUp(with: reading.reconnects)
        }
        metrics.brokerBlocked.set(consuming.isBlocked || publishing.isBlocked)
        metrics.publishUnconfirmed.set(publishing.unconfirmed)
        metrics.staleSettlements.catchUp(with: consuming.staleSettlements)
        metrics.abandonedDeliveries.catchUp(with: consuming.abandonedDeliveries)
        metrics.progressMessages.with("sent").catchUp(with: publishing.offersSent)
        metrics.progressMessages.with("dropped").catchUp(with: publishing.offersDropped)
        read(sources.ledger())
    }

    private func read(_ ledger: MetricsSources.Ledger) {
        for kind in LedgerKind.allCases { metrics.ledgerKind.with(kind.rawValue).set(kind == ledger.kind) }
        guard let member = ledger.member, let reading = ledger.shared else { return }
        // A daemon that was taken for dead has another epoch since.
        if let last = lastMember.withLock({ last in
            defer { last = member }
            return last == member ? nil : last
        }) {
            metrics.instanceInfo.with(last.name, "\(last.epoch)").set(Int?.none)
        }
        metrics.instanceInfo.with(member.name, "\(member.epoch)").set(1)
        metrics.takeovers.catchUp(with: reading.takeovers)
        metrics.fencedRecords.catchUp(with: reading.fencedRecords)
        metrics.lateEvidence.catchUp(with: reading.lateEvidence)
        metrics.leasesHeld.set(reading.leasesHeld)
        metrics.unknownCommits.catchUp(with: reading.unknownCommits)
        metrics.lostCommits.catchUp(with: reading.lostCommits)
        for (code, count) in reading.retries { metrics.ledgerRetries.with(code).catchUp(with: count) }
        metrics.clockOffset.set(reading.clockOffset?.inSeconds)
        metrics.settingsDiffer.set(Set(reading.differing.map(\.key)).count)
    }

    private func show(_ members: [ClusterMember]?) {
        for state in ClusterMember.State.allCases {
            metrics.instances.with(state.rawValue).set(members?.count { $0.state == state })
        }
    }

    private func show(_ database: DatabaseCondition?) {
        for mode in DatabaseCondition.Replication.allCases {
            metrics.ledgerReplication.with(mode.rawValue).set(database?.replication.map { $0 == mode ? 1.0 : 0.0 })
        }
        metrics.ledgerTimeline.set(database?.timeline)
        metrics.ledgerXminAge.set(database?.xminAge?.inSeconds)
    }

    private func show(_ ledger: LedgerStatistics?) {
        metrics.ledgerEntries.set(ledger?.entries)
        metrics.ledgerBytes.set(ledger?.bytes)
        metrics.ledgerBackup.set(ledger.map { $0.lastBackupAt ?? Timestamp(milliseconds: 0) })
        metrics.ambiguousJobs.set(ledger?.ambiguous)
        metrics.overdueRetries.set(ledger?.overdue)
    }

    private func show(_ depths: [String: QueueDepth], of queues: Set<String>) {
        for queue in queues {
            metrics.queueMessages.with(queue).set(depths[queue]?.messages)
            metrics.queueConsumers.with(queue).set(depths[queue]?.consumers)
        }
    }
}
