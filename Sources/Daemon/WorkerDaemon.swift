import AMQP
import Clocks
package import Concurrency
import Credentials
import Glibc
import HTTP
import Jobs
import Ledger
import Messages
import Monitoring
import Operations
import Photos
import Pipeline
import PostgresLedger
import Service
package import Settings
import Telemetry
package import Terminal

/// The daemon's life: what is opened in which order, what happens when it is told to reload or to stop.
package struct WorkerDaemon: Sendable {
    let settings: DaemonSettings
    let permitsNewLedger: Bool
    let permitsRestoredLedger: Bool
    /// How often the operator asked to stop: once is gracefully, twice is now.
    let stop: AsyncSignal
    let logger: Logger
    let clock = SystemTimeSource()
    let otherMembers = OtherMembers()
    let grantMemory = GrantMemory()
    /// A sleep long enough to be a real one, so that the runtime makes its timers' descriptors.
    private static let firstSleep = Duration.milliseconds(20)

    package init(
        _ settings: DaemonSettings, permitsNewLedger: Bool, permitsRestoredLedger: Bool = false, stop: AsyncSignal
    ) {
        self.settings = settings
        self.permitsNewLedger = permitsNewLedger
        self.permitsRestoredLedger = permitsRestoredLedger
        self.stop = stop
        logger = settings.logger
    }

    /// `reloads` has an element for each SIGHUP, which `load` answers with the settings of now.
    package func run(
        reloads: AsyncStream<Void>, load: @escaping @Sendable () throws(SettingsFaults) -> DaemonSettings
    ) async -> ExitStatus {
        defer { logger.flush() }
        // The runtime's timers make their descriptors at the first use, and could not without one.
        await clock.sleep(for: Self.firstSleep)
        for warning in settings.warnings { logger.warning(warning) }
        let front: DaemonInterface
        do throws(SystemCallError) {
            front = try DaemonInterface(LiveSettings(settings, log: logger.control), logger: logger, clock: clock)
        } catch {
            logger.error("\(error)")
            return .tryAgainLater
        }
        front.openAdminServer()
        let reloading = Task {
            let reloader = Reloader(load: load, front: front, logger: logger)
            for await _ in reloads { await reloader.reload() }
        }
        let stopping = Task { await announceStop(front) }
        let status = await live(front)
        reloading.cancel()
        if stop.isSignalled { await stopping.value }
        if status == .done, front.parts == nil { logger.notice("stopped before it had begun to work") }
        await offload {
            front.close()
            // After the watchdog, whose tokens the workers answer on its thread.
            front.parts?.engine.stop()
        }
        return status
    }

    private func live(_ front: DaemonInterface) async -> ExitStatus {
        do {
            return try await work(front)
        } catch {
            let failure = error as? StartError ?? StartError(hindered: error, .internalFault)
            logger.error(failure.description)
            front.fails(failure.description)
            return failure.status
        }
    }

    /// The order is that of what can be wrong: settings and keys, the ledger, and only then the broker, which a daemon
    /// waits for as long as it takes.
    private func work(_ front: DaemonInterface) async throws -> ExitStatus {
        let tokenEngine = try HTTPEngine(settings.tokenHTTP)
        let credentials = try openCredentials(tokenEngine, front.metrics)
        let engine = try HTTPEngine(settings.http)
        let eventRouter = EventRouter(logger: logger, tracker: front.tracker)
        guard let opened = try await openLedger(eventRouter, front) else { return .done }

        let ledger = opened.ledger
        let parts = try await assemble(opened, engine, tokenEngine, credentials, eventRouter, front)
        front.has(parts)
        runTracing(parts.traceExport)
        front.settings.connect(parts.pipeline)
        await prepareBroker(opened.session, front)
        do throws(StartError) {
            if ledger.member != nil {
                try await refuseEmbeddedWorker(opened.session, front)
            } else {
                try await refuseSharedWorkers(opened.session, eventRouter.attached, front)
            }
        } catch {
            await end(parts, front, Task {})
            throw error
        }
        // Without a broker nothing was begun, and there is nothing to wait for.
        let work = Task { if !stop.isSignalled { await parts.pipeline.run() } }
        let upkeep = Task {
            await Upkeep(
                ledger: ledger, cluster: opened.cluster, settings: front.settings, clock: opened.clock, logger: logger
            ).run()
        }
        let polling = Task {
            await MetricsPolling(
                recorder: front.metrics, ledger: ledger, queues: parts.queues,
                queueNames: settings.topology.queues.map(\.name),
                dailyLimit: { front.settings.now.limits.requestsPerDay }, quotaDay: { QuotaZone.day(of: $0) },
                clock: opened.clock
            ).run()
        }
        let otherLedger = OtherLedgerWatch(
            session: opened.session, queue: settings.queueNames.worker, pipeline: parts.pipeline, clock: clock)
        let names = settings.queueNames
        let sharedLedger = SharedLedgerWatch(
            session: opened.session, lanes: Lane.allCases.map { names.queue($0) }, eventRouter: eventRouter,
            pipeline: parts.pipeline, clock: clock, logger: logger)
        let watch = Task {
            if ledger.member != nil { await otherLedger.run() } else { await sharedLedger.run() }
        }
        let remembering = Task { await opened.memory?.run() }
        if !stop.isSignalled {
            logger.notice(
                "working", LogField("version", ProgramVersion.text), LogField("ledger", ledger.place),
                ledger.member.map { LogField("instance", $0.name) },
                ledger.member.map { LogField("epoch", $0.epoch) },
                LogField("api", settings.api.baseURL), LogField("concurrency", settings.worker.concurrency))
        }
        await stop.wait()
        upkeep.cancel()
        polling.cancel()
        watch.cancel()
        remembering.cancel()
        await end(parts, front, work)
        return .done
    }

    private func assemble(
        _ opened: OpenedLedger, _ engine: HTTPEngine, _ tokenEngine: HTTPEngine,
        _ credentials: any CredentialProvider, _ eventRouter: EventRouter, _ front: DaemonInterface
    ) async throws -> DaemonParts {
        let (ledger, clock) = (opened.ledger, opened.clock)
        let traceExport = try openTraceExport(front)
        let publishing = try PublishingLink(try startup(.settingsWrong) { try settings.link("publish") }) {
            eventRouter.publishing($0)
        }
        let consuming = try ConsumingLink(
            try startup(.settingsWrong) { try settings.link("consume") },
            privateQueue: ledger.member == nil ? PrivateQueue(name: settings.queueNames.worker) : nil
        ) { eventRouter.consuming($0) }
        let report = PipelineReport(logger: logger, ledger: ledger, clock: clock)
        let pipeline = JobPipeline(
            configuration: settings.pipeline,
            inbox: BrokerInbox(link: consuming, startSettings: settings), outbox: publishing,
            queues: BrokerQueues(session: opened.session), ledger: ledger, cluster: opened.cluster,
            credentials: credentials,
            photos: TestHooks.wrapping(HTTPPhotos(engine: engine, baseURL: settings.api.baseURL)), clock: clock,
            executor: engine.executor, tracing: tracing(traceExport)
        ) { event in
            front.take(event)
            report.take(event)
        }
        front.metrics.connect(
            MetricsSources(
                pipeline: { pipeline.snapshot }, consuming: { consuming.reading }, publishing: { publishing.reading },
                ledger: { .init(ledger) }))
        await rememberHolds(of: opened, for: pipeline)
        eventRouter.connect(pipeline)
        return DaemonParts(
            ledger: ledger, outcomes: opened.outcomes, consuming: consuming, publishing: publishing,
            session: opened.session,
            credentials: credentials, engine: engine, tokenEngine: tokenEngine, pipeline: pipeline,
            traceExport: traceExport)
    }

    /// No job ages by a hold, not even by one of an earlier run.
    private func rememberHolds(
        of opened: OpenedLedger, for pipeline: JobPipeline
    ) async {
        let (ledger, now) = (opened.ledger, opened.clock.wall())
        guard let holds = try? await ledger.holds(from: now - settings.retry.maxAge * 2, to: now) else { return }
        // What all share stands there; what was each one's own ended with it.
        for hold in holds where hold.until == nil && opened.cluster == nil {
            if let wait = pipeline.waitAfterRestart(of: hold.cause, since: hold.since) {
                pipeline.restore(hold.cause, since: hold.since, detail: hold.detail, probeAfter: wait)
            } else {
                // It stands again as soon as its cause shows.
                ledger.recordHold(hold.cause, since: hold.since, until: now, detail: hold.detail)
            }
        }
        // One that a killed member left open says nothing of when it ended.
        let ended = opened.cluster == nil ? holds : holds.filter { $0.until != nil }
        pipeline.remember(holds: ended.map { $0.since..<max($0.since, $0.until ?? now) })
    }
}
