import AMQP
import Glibc
import HTTP
import Jobs
import Ledger
import Operations
import Pipeline
import Service
import Settings
import Telemetry
import Terminal
import Threads

/// The daemon's life: what is opened in which order, what happens when it is told to stop.
struct Daemon: Sendable {
    let settings: Settings
    let permitsNewLedger: Bool
    let stop: StopRequest
    let logger: Logger
    let clock = SystemTimekeeper()

    init(_ settings: Settings, permitsNewLedger: Bool, stop: StopRequest) {
        self.settings = settings
        self.permitsNewLedger = permitsNewLedger
        self.stop = stop
        logger = settings.logger
    }

    func run() async -> ExitStatus {
        defer { logger.flush() }
        for warning in settings.warnings { logger.warning(warning) }
        do {
            return try await live()
        } catch let error as StartError {
            logger.error(error.description)
            return error.status
        } catch {
            logger.error("\(error)")
            return .internalFault
        }
    }

    private func live() async throws -> ExitStatus {
        let board = StatusBoard(clock: clock)
        guard let lock = try await waitForLock(board) else { return .done }
        let isNew = access(settings.ledger.path, F_OK) != 0
        try await prepareBroker(ledgerIsNew: isNew)
        if stop.isRequested { return .done }

        let tokenEngine = try HTTPEngine(settings.tokenHTTP)
        let credentials = try openCredentials(tokenEngine)
        let engine = try HTTPEngine(settings.http)
        let switchboard = Switchboard(logger: logger, board: board)
        let ledger = try openLedger(lock, switchboard)
        let publishing = try PublishingLink(try startup(.settingsWrong) { try settings.link("publish") }) {
            switchboard.publishing($0)
        }
        let session = try BrokerSession(try startup(.settingsWrong) { try settings.link("inspect") })
        let consuming = try ConsumingLink(
            try startup(.settingsWrong) { try settings.link("consume") },
            privateQueue: PrivateQueue(name: "\(settings.broker.prefix).worker")
        ) { switchboard.consuming($0) }
        let report = PipelineReport(logger: logger, ledger: ledger, clock: clock)
        let pipeline = Pipeline(
            configuration: settings.pipeline,
            inbox: BrokerInbox(link: consuming, settings: settings), outbox: publishing,
            queues: BrokerQueues(session: session), ledger: ledger, credentials: credentials,
            photos: TestHooks.wrapping(HTTPPhotos(engine: engine, baseURL: settings.api.baseURL)), clock: clock,
            onEvent: { event in
                board.take(event)
                report.take(event)
            })
        await rememberHolds(of: ledger, for: pipeline)
        switchboard.connect(pipeline)
        let control = openControlSocket(
            ControlDesk(
                board: board, pipeline: pipeline, ledger: ledger, consuming: consuming, publishing: publishing,
                ledgerDesk: LedgerDesk(.live(ledger), clock: clock, publish: { await pipeline.publishAgain($0) }),
                queues: BrokerQueues(session: session), settings: settings, clock: clock, logger: logger))
        logger.notice(
            "working", LogField("version", Commands.version), LogField("ledger", settings.ledger.path),
            LogField("api", settings.api.baseURL), LogField("concurrency", settings.worker.concurrency))

        let work = Task { await pipeline.run() }
        let upkeep = Task {
            await Upkeep(ledger: ledger, retention: settings.ledger.retention, clock: clock, logger: logger).run()
        }
        await stop.wait()
        logger.notice("stopping: taking no more jobs, finishing those in hand")
        let began = clock.now()
        board.drains()
        upkeep.cancel()
        consuming.consume([])
        pipeline.stop()
        let isDrained = await drain(work, engine: engine, publishing: publishing)
        await offload {
            consuming.stop()
            publishing.stop()
            session.stop()
            engine.stop()
            tokenEngine.stop()
            control?.stop()
        }
        let lost = await ledger.close(within: SQLiteLedger.closeTime)
        if lost > 0 {
            logger.error(
                "the ledger could not write its last lines: their jobs count as ambiguous when they come again",
                LogField("lines", lost))
        }
        logger.notice(
            isDrained ? "stopped" : "stopped; what was unfinished is the broker's again",
            LogField("after_s", .seconds((clock.now() - began).inSeconds)))
        return .done
    }

    /// The commands need it, jobs do not: without it the daemon works on, and says so.
    private func openControlSocket(_ desk: ControlDesk) -> ControlSocketServer? {
        do throws(SystemCallError) {
            return try ControlSocketServer(path: settings.admin.controlSocket) { await desk.answer($0, $1) }
        } catch {
            logger.warning(
                "no control socket, so `status` and the ledger's commands cannot reach this daemon: \(error); "
                    + "set admin.control_socket to a path in a directory that the daemon may write")
            return nil
        }
    }

    /// No job ages by a hold, not even by one of an earlier run.
    private func rememberHolds(of ledger: SQLiteLedger, for pipeline: Pipeline) async {
        let now = clock.wall()
        guard let holds = try? await ledger.holds(from: now - settings.retry.maxAge * 2, to: now) else { return }
        for hold in holds where hold.until == nil {
            if let wait = restoredWait(of: hold, at: now) {
                pipeline.restore(hold.cause, since: hold.since, detail: hold.detail, probeAfter: wait)
            } else {
                // It stands again as soon as its cause shows.
                ledger.recordHold(hold.cause, since: hold.since, until: now, detail: hold.detail)
            }
        }
        pipeline.remember(holds: holds.map { $0.since..<max($0.since, $0.until ?? now) })
    }

    /// When a hold that the last run left is tested by a job; nil if it does not outlive its run.
    private func restoredWait(of hold: HoldRecord, at now: Timestamp) -> Duration? {
        switch hold.cause {
        case .quotaDay:
            // The next day is the API's to begin; one job asks a little after its time.
            let end = QuotaZone.day(of: hold.since).end
            return end > now ? end - now + .seconds(Int.random(in: 0...900)) : nil
        case .apiRetired, .apiDisabled, .projectBlocked, .endpointMisconfigured, .clientMisconfigured, .clientFaulty,
            .tlsTrust, .operatorPaused:
            // Whoever restarts the daemon may have mended it: one job tells.
            return .zero
        case .apiUnavailable, .rateLimited, .clockSuspect, .brokerBlocked, .resultsUnroutable, .resultsFull, .deadFull,
            .ledgerUnavailable:
            return nil
        }
    }
}
