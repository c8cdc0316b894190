import AMQP
import Credentials
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

    /// What is left of the drain time for results to be confirmed after calls were given up.
    private static let confirmShare = 5

    init(_ settings: Settings, permitsNewLedger: Bool, stop: StopRequest) {
        self.settings = settings
        self.permitsNewLedger = permitsNewLedger
        self.stop = stop
        logger = settings.logger
    }

    func run() async -> ExitStatus {
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
        guard let lock = try await waitForLock() else { return .done }
        let isNew = access(settings.ledger.path, F_OK) != 0
        try await prepareBroker(ledgerIsNew: isNew)
        if stop.isRequested { return .done }

        let credentials = try openCredentials()
        let engine = try HTTPEngine(settings.http)
        let switchboard = Switchboard(logger: logger)
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
            configuration: settings.pipeline(hook: KillHook.fromEnvironment()),
            inbox: BrokerInbox(link: consuming, settings: settings), outbox: publishing,
            queues: BrokerQueues(session: session), ledger: ledger, credentials: credentials,
            photos: HTTPPhotos(engine: engine, baseURL: settings.api.baseURL), clock: clock,
            onEvent: { report.take($0) })
        switchboard.connect(pipeline)
        logger.notice(
            "working", LogField("version", Commands.version), LogField("ledger", settings.ledger.path),
            LogField("api", settings.api.baseURL), LogField("concurrency", settings.worker.concurrency))

        let work = Task { await pipeline.run() }
        await stop.wait()
        logger.notice("stopping: taking no more jobs, finishing those in hand")
        let began = clock.now()
        consuming.consume([])
        pipeline.stop()
        let isDrained = await drain(work, engine: engine, publishing: publishing)
        await offload {
            consuming.stop()
            publishing.stop()
            session.stop()
            engine.stop()
            ledger.close()
        }
        logger.notice(
            isDrained ? "stopped" : "stopped; what was unfinished is the broker's again",
            LogField("after_s", .seconds((clock.now() - began).inSeconds)))
        return .done
    }

    // MARK: Starting

    private func waitForLock() async throws -> LedgerLock? {
        let path = settings.ledger.path
        let waiting = Task {
            try await LedgerLock.wait(ledger: path, clock: clock) { holder in
                logger.notice("standing by: another worker has the ledger", LogField("pid", holder))
            }
        }
        let stopping = Task {
            await stop.wait()
            waiting.cancel()
        }
        defer { stopping.cancel() }
        return try await startup(.cannotCreateFile) { try await waiting.value }
    }

    private func openLedger(_ lock: LedgerLock, _ switchboard: Switchboard) throws -> SQLiteLedger {
        let durability: SQLiteLedger.Durability = settings.ledger.durability == .full ? .full : .normal
        do throws(LedgerError) {
            return try SQLiteLedger(
                path: settings.ledger.path, durability: durability, lock: lock, clock: clock,
                onHealth: { switchboard.ledger($0) })
        } catch {
            throw StartError(description: error.description, status: .settingsWrong)
        }
    }

    private func openCredentials() throws -> any CredentialProvider {
        guard let file = settings.credentials.static.tokenFile else {
            throw StartError(
                description: "no provider of credentials is set up; see [credentials]", status: .settingsWrong)
        }
        return try startup(.settingsWrong) {
            let provider = try StaticCredentials(path: file.path)
            for warning in provider.warnings { logger.warning(warning) }
            return ProviderChain([provider])
        }
    }

    /// The topology as the settings want it; waits for a broker that is not there.
    private func prepareBroker(ledgerIsNew: Bool) async throws {
        let session = try BrokerSession(try startup(.settingsWrong) { try settings.link("prepare") })
        var backoff = Backoff(first: .seconds(1), longest: .seconds(10))
        while !stop.isRequested {
            do throws(LinkError) {
                try await prepareTopology(session)
                if ledgerIsNew, !permitsNewLedger, let queue = try await firstFullQueue(session) {
                    await offload { session.stop() }
                    throw LinkError(.stopped, endpoint: queue, attempted: "", words: "")
                }
                break
            } catch {
                switch error.kind {
                case .stopped: throw refusalOfNewLedger(error.endpoint)
                case .channelClosed:
                    throw StartError(
                        description: "\(error); the topology is not as the settings say: see `topology verify`",
                        status: .settingsWrong)
                case .loginRefused, .unreachable, .tls, .connectionClosed, .timeout, .heartbeatMissed,
                    .protocolViolation, .consumerCancelled:
                    logger.warning("connecting: \(error)")
                }
            }
            let wait = clock.now() + backoff.next()
            while clock.now() < wait, !stop.isRequested { await clock.sleep(for: .milliseconds(100)) }
        }
        await offload { session.stop() }
    }

    private func prepareTopology(_ session: BrokerSession) async throws(LinkError) {
        switch settings.broker.topology {
        case .none: try await session.connect()
        case .declare: try await settings.topology.declare(on: session)
        case .verify:
            let missing = try await settings.topology.missing(on: session)
            guard let first = missing.first else { return }
            throw LinkError(
                .channelClosed(404), endpoint: settings.broker.prefix, attempted: "verifying the topology",
                words: "\(first)\(missing.count > 1 ? " and \(missing.count - 1) more" : "")")
        }
    }

    /// An empty ledger beside waiting jobs looks like a lost one: their calls would be made again.
    private func firstFullQueue(_ session: BrokerSession) async throws(LinkError) -> String? {
        for queue in settings.topology.queues where queue.name != "\(settings.broker.prefix).results" {
            if let depth = try await session.inspect(queue: queue.name), depth.messages > 0 { return queue.name }
        }
        return nil
    }

    private func refusalOfNewLedger(_ queue: String) -> StartError {
        StartError(
            description: "there is no ledger at \(settings.ledger.path), and queue \(queue) is not empty: without "
                + "the memory of what was called, jobs may be called twice. Restore the ledger, or start once with "
                + "--new-ledger if there never was one", status: .settingsWrong)
    }

    // MARK: Stopping

    /// Waits for the jobs in hand, at most for the drain time, a second signal or what comes first.
    private func drain(_ work: Task<Void, Never>, engine: HTTPEngine, publishing: PublishingLink) async -> Bool {
        let whole = settings.worker.drainTimeout
        let finished = Finish()
        let watcher = Task {
            await work.value
            finished.signal(true)
        }
        let timer = Task {
            await clock.sleep(for: whole - whole / Self.confirmShare)
            guard !Task.isCancelled else { return }
            // What is on the wire is ambiguous now, and is recorded so.
            await offload { engine.stop() }
            await clock.sleep(for: whole / Self.confirmShare)
            guard !Task.isCancelled else { return }
            await offload { publishing.stop() }
            finished.signal(false)
        }
        let hurry = Task {
            await stop.wait(for: 2)
            logger.notice("told twice: not waiting any longer")
            await offload {
                engine.stop()
                publishing.stop()
            }
            finished.signal(false)
        }
        let isDrained = await finished.wait()
        timer.cancel()
        hurry.cancel()
        if !isDrained {
            // Calls and publishes were given up, so the workers end at once.
            _ = await watcher.value
        }
        return isDrained
    }

    /// Runs what joins a thread on a thread of its own, so that the pool is not blocked.
    private func offload(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            do throws(SystemCallError) {
                _ = try NativeThread(name: "stop", detached: true) {
                    body()
                    done.resume()
                }
            } catch {
                body()
                done.resume()
            }
        }
    }

    private func startup<Value>(_ status: ExitStatus, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw StartError(description: "\(error)", status: status)
        }
    }

    private func startup<Value>(_ status: ExitStatus, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw StartError(description: "\(error)", status: status)
        }
    }
}

/// Why the daemon did not start, and what its supervisor is told.
struct StartError: Error, CustomStringConvertible {
    let description: String
    let status: ExitStatus
}
