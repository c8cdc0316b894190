package import AMQP
package import Clocks
import Concurrency
package import Credentials
import Jobs
package import Ledger
package import Photos

/// The worker: messages in, one call each, results out.
///
/// The consuming link posts messages and its losses here; `run` works until `stop`. Nothing here knows AMQP, HTTP or
/// SQLite: it sees protocols, so that a test drives it with a queue of its own, a clock of its own and no network.
package final class JobPipeline: Pingable {
    /// That of the start, for what only a restart changes. Whoever decides something looks at `live`.
    private let startConfiguration: PipelineConfiguration
    let live: LiveConfiguration
    let budget: DayBudget
    let dispatcher: Dispatcher
    private let worker: Worker
    private let unpublishedSweep: UnpublishedSweep
    private let intake: Intake
    /// Nil: nobody wants spans.
    private let tracing: DeliveryTracing?
    let clock: any TimeSource
    let onEvent: @Sendable (PipelineEvent) -> Void
    let ledger: any JobLedger
    var publisher: ResultPublisher { worker.publisher }
    /// Nil: the worker shares its holds with nobody.
    let relay: ClusterRelay?
    private let ledgerWatch: LedgerWatch
    let operators = OperatorsAtWork()
    let executor: (any TaskExecutor)?
    private let holdLog = HoldLog()
    private let state = Lock(State())

    private struct State {
        // Written by the link's events, read by the sweep.
        var consumingSince: MonotonicTime?
        // The sweep's alone.
        var clocks = ClockWatch()
        var emptiness = EmptinessLog()
    }

    /// `cluster`: what the workers over a shared ledger have in common; nil: nobody shares it. `executor` runs the
    /// workers and whatever waits beside them; without one the pool does. `onEvent` is called from any thread and must not
    /// block.
    package init(
        configuration: PipelineConfiguration, inbox: any Inbox, outbox: any Publishing, queues: any QueueInspecting,
        ledger: any JobLedger, cluster: (any Cluster)? = nil, credentials: any CredentialProvider,
        photos: any PhotosCalling, clock: any TimeSource, executor: (any TaskExecutor)? = nil,
        tracing: DeliveryTracing? = nil,
        onEvent: @escaping @Sendable (PipelineEvent) -> Void
    ) {
        startConfiguration = configuration
        let live = LiveConfiguration(configuration)
        self.live = live
        self.clock = clock
        self.executor = executor
        self.onEvent = onEvent
        self.ledger = ledger
        self.tracing = tracing
        intake = Intake(prefix: configuration.prefix) { live.eventTypes }
        let holdLifted = AsyncSignal()
        let relay = cluster.map { ClusterRelay(cluster: $0, clock: clock) }
        self.relay = relay
        dispatcher = Dispatcher(
            limits: configuration.limits,
            concurrency: configuration.concurrency, inbox: inbox, clock: clock, executor: executor,
            member: cluster.map { ($0.epoch, $0.name) }, onClusterChange: { relay?.wake() },
            onAccountWait: { onEvent($0.event) }
        ) { [holdLog] holds, lifted in
            holdLog.changed(isHolding: !holds.isEmpty, at: clock.wall())
            onEvent(.holdsChanged(.init(holds: holds, lifted: lifted)))
            if !lifted.isEmpty { holdLifted.signal() }
        }
        let publisher = ResultPublisher(
            outbox: outbox, dispatcher: dispatcher, clock: clock, names: configuration.names,
            live: live, hook: configuration.hook, executor: executor, onEvent: onEvent, tracing: tracing)
        budget = DayBudget(
            limit: configuration.requestsPerDay, pace: configuration.pace,
            cluster: cluster, quotaDay: configuration.quotaDay)
        ledgerWatch = LedgerWatch(ledger: ledger, dispatcher: dispatcher, clock: clock)
        worker = Worker(
            dispatcher: dispatcher, relay: relay, ledger: ledger, ledgerWatch: ledgerWatch, credentials: credentials,
            photos: photos,
            publisher: publisher, budget: budget, holdLog: holdLog, clock: clock, live: live,
            onStep: configuration.hook,
            onEvent: onEvent)
        unpublishedSweep = UnpublishedSweep(
            ledger: ledger, publisher: publisher, dispatcher: dispatcher, queues: queues, clock: clock,
            names: configuration.names, lostAfter: configuration.lostAfter,
            unheardFor: configuration.inspectionInterval / 2, onEvent: onEvent)
        self.holdLifted = holdLifted
    }

    /// Wakes the sweep of unpublished results: at each lift of a hold, and each minute.
    private let holdLifted: AsyncSignal

    // MARK: What the links and the ledger tell

    /// A message came. From the link's thread.
    package func receive(_ message: IncomingMessage) {
        startConfiguration.hook?(.decode, .before)
        var taken = intake.take(message)
        if let tracing { taken.item.trace = tracing.begin(taken.item, live.now) }
        startConfiguration.hook?(.decode, .after)
        if taken.hasForgedHeaders { onEvent(.forgedHeaders(taken.item.job?.id)) }
        dispatcher.accept(taken.item)
    }

    /// The consuming link has its lanes.
    package func consuming() {
        state.withLock { $0.consumingSince = $0.consumingSince ?? clock.now() }
        dispatcher.consumes(true)
    }

    /// The consuming connection of that generation is gone, and its deliveries with it.
    package func linkLost(generation: UInt64) {
        state.withLock { $0.consumingSince = nil }
        dispatcher.consumes(false)
        dispatcher.linkLost(upTo: generation)
    }

    /// The publishing link is blocked by the broker, or free again.
    package func brokerBlocked(_ reason: String?) {
        if let reason {
            dispatcher.hold(.brokerBlocked, detail: "the broker takes no messages: \(reason)")
            // What it has in flight it can give back to nobody.
            dispatcher.consumes(false)
        } else {
            dispatcher.lift(.brokerBlocked)
            if state.withLock({ $0.consumingSince }) != nil { dispatcher.consumes(true) }
        }
    }

    /// A worker with another ledger has the broker's queues as well, as that detail says; nil: it has them no more.
    package func otherLedger(_ detail: String?) {
        if let detail { dispatcher.hold(.otherLedger, detail: detail) } else { dispatcher.lift(.otherLedger) }
    }

    package func ledgerHealth(_ health: LedgerHealth) { ledgerWatch.note(health) }

    /// Publishes a stored result again, marked as a replay. False if the broker did not confirm it.
    package func publishAgain(_ result: StoredResult) async -> Bool {
        guard await worker.publisher.publishResult(result, replayed: true, replyTo: nil) else { return false }
        return true
    }

    /// Holds of earlier runs, before `run`: jobs did not age in them.
    package func remember(holds: [Range<Timestamp>]) {
        holdLog.remember(holds)
    }

    // MARK: Life

    /// Works until `stop` was called and the jobs in flight have ended.
    package func run() async {
        await withTaskExecutorPreference(executor) { await work() }
    }

    private func work() async {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<startConfiguration.concurrency {
                group.addTask { [worker] in await worker.run() }
            }
            let inspection = Task(executorPreference: executor) { await self.inspect() }
            // Before a job is taken: what holds the others holds this one.
            await relay?.join(dispatcher)
            let watch = Task(executorPreference: executor) { [ledgerWatch] in await ledgerWatch.run() }
            let relaying = Task(executorPreference: executor) { [relay, dispatcher, budget] in
                await relay?.run(dispatcher, budget)
            }
            // Where no job has ever succeeded, a first refusal is more likely everybody's.
            do throws(LedgerError) {
                if try await !ledger.knowsSuccess() { dispatcher.isFirstContact() }
            } catch {
                // Taken for one that knows: what is refused then needs more words, and costs a few calls more.
                onEvent(.ledgerRefused(.init(jobID: nil, detail: error.description)))
            }
            dispatcher.open()
            await group.waitForAll()
            inspection.cancel()
            relaying.cancel()
            watch.cancel()
            await inspection.value
            await relaying.value
            await watch.value
        }
    }

    /// Takes no more turns. What is in flight ends; what waits is the link's to give back.
    package func stop() {
        dispatcher.close()
    }

    /// After `run`, when the links are closed: what waited for a turn is the broker's again.
    package func forgetDeliveries() { dispatcher.linkLost(upTo: .max) }

    private func inspect() async {
        _ = trustsDueTimes()
        let hasDuty = relay == nil ? true : await relay?.take(.sweep) != nil
        await unpublishedSweep.publishUnpublishedResults(ofOthers: hasDuty)
        let clock = self.clock
        let holdLifted = self.holdLifted
        let alarm = Task(executorPreference: executor) { [interval = startConfiguration.inspectionInterval] in
            while !Task.isCancelled {
                await clock.sleep(for: interval)
                holdLifted.signal()
            }
        }
        defer { alarm.cancel() }
        var seen = 0
        while await holdLifted.wait(for: seen + 1) {
            // Signals while it works are one signal.
            seen = holdLifted.count
            guard !Task.isCancelled else { return }
            await sweep()
        }
    }

    private func sweep() async {
        // A worker that is held by a fault of its own leaves what is everybody's to another one.
        let isAble = dispatcher.isHeldOnlyWithAll
        let shared = isAble ? await relay?.take(.sweep) : nil
        await unpublishedSweep.publishUnpublishedResults(ofOthers: relay == nil || shared != nil)
        await unpublishedSweep.checkResultsQueue()
        let mayHaveCome = trustsDueTimes() && dispatcher.holds.isEmpty
        var since = mayHaveCome ? state.withLock { $0.consumingSince } : nil
        if let relay {
            if shared == nil || !mayHaveCome { state.withLock { $0.emptiness = EmptinessLog() } }
            let isSettled =
                if let shared, mayHaveCome { await mayReportLostJobs(of: shared, alive: relay.alive) } else { false }
            if !isSettled { since = nil }
        }
        await unpublishedSweep.reportLostJobs(consumingSince: since)
    }

    /// Any of the members may have a copy, or have had it: all of them must have had the time to get it, and to end with
    /// it.
    private func mayReportLostJobs(of shared: ClusterState, alive: Set<Int64>) async -> Bool {
        let now = clock.now()
        let isEmpty = await unpublishedSweep.isEverythingDueTaken()
        let wasEmpty = state.withLock { state in
            guard isEmpty else {
                state.emptiness = EmptinessLog()
                return false
            }
            defer { state.emptiness.note(at: now) }
            return state.emptiness.wasEmpty(at: now)
        }
        return isEmpty && wasEmpty && shared.allConsume(alive, since: clock.wall() - startConfiguration.lostAfter)
    }

    private func trustsDueTimes() -> Bool {
        state.withLock { $0.clocks.trustsDueTimes(at: clock.now(), wall: clock.wall()) }
    }

    // MARK: What an operator sees

    package struct Snapshot: Sendable {
        package var holds: [Hold]
        package var inFlight: Int
        package var callsInFlight: Int
        package var consumption: Consumption
        /// How long the oldest delivery has been in flight; nil if there is none.
        package var oldestInFlight: Duration?
        /// How many accounts wait while the others work, for each cause that there is.
        package var heldAccounts: [String: Int]
    }

    package var snapshot: Snapshot {
        let load = dispatcher.load
        let waits = dispatcher.waits
        return Snapshot(
            holds: dispatcher.holds, inFlight: load.inFlight, callsInFlight: load.calls, consumption: load.consumption,
            oldestInFlight: waits.oldest, heldAccounts: AccountHold.counts(waits.heldAccounts))
    }
}
