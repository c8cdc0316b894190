import Clocks
import Concurrency
import Monitoring
import Operations
import Pipeline
import Service
import Settings
import Telemetry
import Terminal

/// What others see of the daemon from its first second to its last: the service manager's notifications, the
/// endpoints, the control socket. It answers before there is a ledger or a broker, because that is when people ask.
final class DaemonInterface: Sendable {
    let tracker: StatusTracker
    let liveness: LivenessMonitor
    let settings: LiveSettings
    let metrics: MetricsRecorder
    let recent: RecentActivity
    let logger: Logger
    let clock: any TimeSource
    private let watchdog: Watchdog

    private struct State {
        var parts: DaemonParts?
        var control: ControlSocketServer?
        var admin: AdminServer?
        /// Tries again to listen, where another process does.
        var adminOpening: Task<Void, Never>?
        /// Task that opens the control socket again after no descriptor was free.
        var controlOpening: Task<Void, Never>?
        var loaded: DaemonStatus.LoadedSettings
        var isReady = false
    }

    // Written by the daemon's start and stop, read by whoever asks; under the lock.
    private let state: Lock<State>
    /// Pages of jobs that are being made.
    let jobPages = Lock(0)

    init(_ settings: LiveSettings, logger: Logger, clock: any TimeSource) throws(SystemCallError) {
        self.settings = settings
        self.logger = logger
        self.clock = clock
        let tracker = StatusTracker(clock: clock)
        let liveness = LivenessMonitor(clock: clock)
        self.tracker = tracker
        self.liveness = liveness
        metrics = MetricsRecorder(
            version: ProgramVersion.text, delays: settings.now.retry.delays, clock: clock, state: { tracker.word })
        recent = RecentActivity(clock: clock)
        let state = Lock(State(loaded: .init(loadedAt: clock.wall(), reloadSucceeded: true)))
        self.state = state
        let metrics = self.metrics
        watchdog = try Watchdog(
            liveness, time: Notifier.watchdogTime ?? Watchdog.ordinaryTime, notifier: .systemd, clock: clock
        ) { silences in
            Self.glance(tracker, metrics, state.withLock { $0.parts }).line(silences: silences)
        }
        tracker.onChange { [watchdog] in watchdog.refresh() }
    }

    // MARK: To the service manager

    /// Settings, ledger and keys are good, and what the daemon waits for is known.
    func ready() {
        state.withLock { $0.isReady = true }
        watchdog.notify(.ready)
    }

    /// A reload has come to its end. One that came before the daemon was ready does not make it so.
    func endsReload() {
        if state.withLock({ $0.isReady }) { watchdog.notify(.ready) }
    }

    func reloads() {
        guard state.withLock({ $0.isReady }) else { return }
        watchdog.notify(.reloading(monotonicMicroseconds: Notifier.monotonicMicroseconds))
    }

    /// Nothing more is taken; what is in flight ends within `time`.
    func stops(within time: Duration) {
        tracker.drains()
        watchdog.notify(.stopping, .extendTimeout(time))
    }

    /// The daemon cannot start or go on.
    func fails(_ why: String) { watchdog.notify(.status(why)) }

    /// The last thing that is done. Not from a task: it waits for threads.
    func close() {
        let (control, admin) = state.withLock { state in
            defer { (state.control, state.admin) = (nil, nil) }
            state.adminOpening?.cancel()
            state.controlOpening?.cancel()
            return (state.control, state.admin)
        }
        control?.stop()
        admin?.stop()
        watchdog.stop()
    }

    /// A reload was taken, or refused.
    func reloaded(isGood: Bool) {
        metrics.reloaded(isGood: isGood)
        let now = clock.wall()
        state.withLock { state in
            state.loaded.reloadSucceeded = isGood
            if isGood { state.loaded.loadedAt = now }
        }
    }

    /// From the pipeline, on any thread.
    func take(_ event: PipelineEvent) {
        tracker.take(event)
        metrics.take(event)
        recent.take(event)
    }

    // MARK: To whoever asks

    /// A port that another process has may be free later: the daemon works on, says so, and tries again.
    func openAdminServer() {
        if let error = tryAdminServer() {
            logger.warning("no endpoints for now: \(error)")
            let opening = Task { [weak self, clock] in
                while !Task.isCancelled {
                    await clock.sleep(for: Self.retry)
                    guard !Task.isCancelled, let self else { return }
                    if self.tryAdminServer() == nil { return }
                }
            }
            state.withLock { $0.adminOpening = opening }
        }
    }

    /// Pause between two tries to open a listener: short enough for a takeover, long enough to cost nothing.
    private static let retry = Duration.seconds(5)

    private func tryAdminServer() -> SystemCallError? {
        let listen = settings.now.admin.listen
        do throws(SystemCallError) {
            let admin = try AdminServer(host: listen.host, port: listen.port, routes: routes, clock: clock) {
                [logger] error in
                logger.warning("the admin endpoints let nobody in for now: \(Self.message(error))")
            }
            logger.notice("admin endpoints", LogField("address", admin.authority))
            liveness.watch("admin", admin)
            let isLate = state.withLock { state in
                state.admin = admin
                return state.adminOpening?.isCancelled == true
            }
            if isLate { admin.stop() }
            return nil
        } catch {
            return error
        }
    }

    private static func message(_ error: SystemCallError) -> String {
        error.shortage.map { "\(error); \($0)" } ?? error.description
    }

    /// The ledger is this daemon's, and with it the control socket: the commands need it, jobs do not, so without it
    /// the daemon works on, and says so. Where only a descriptor was missing, it tries again.
    func openControlSocket() {
        guard let error = tryControlSocket() else { return }
        guard error.shortage != nil else {
            logger.warning(
                "no control socket, so `status` and the ledger's commands cannot reach this daemon: \(error); "
                    + "set admin.control_socket to a path in a directory that the daemon may write")
            return
        }
        logger.warning("no control socket for now: \(Self.message(error))")
        let opening = Task { [weak self, clock] in
            while !Task.isCancelled {
                await clock.sleep(for: Self.retry)
                guard !Task.isCancelled, let self else { return }
                if self.tryControlSocket() == nil { return }
            }
        }
        state.withLock { $0.controlOpening = opening }
    }

    private func tryControlSocket() -> SystemCallError? {
        let path = settings.now.admin.controlSocket
        do throws(SystemCallError) {
            let control = try ControlSocketServer(
                path: path,
                onExhausted: { [logger] error in
                    logger.warning("the control socket lets nobody in for now: \(Self.message(error))")
                }
            ) { [weak self] request, peer in
                guard let self else { return .refusal(code: "unavailable", message: "the daemon is ending") }
                return await self.answer(request, peer)
            }
            liveness.watch("control", control)
            let isLate = state.withLock { state in
                state.control = control
                return state.controlOpening?.isCancelled == true
            }
            if isLate { control.stop() }
            return nil
        } catch {
            return error
        }
    }

    func has(_ parts: DaemonParts) {
        state.withLock { $0.parts = parts }
        for (name, service) in parts.watched { liveness.watch(name, service) }
    }

    var parts: DaemonParts? { state.withLock { $0.parts } }
    var loadedSettings: DaemonStatus.LoadedSettings { state.withLock { $0.loaded } }

    private func answer(_ request: ControlRequest, _ peer: ControlPeer) async -> ControlResponse {
        logger.info(
            "asked over the control socket", LogField("request", request.name), LogField("pid", Int(peer.pid)),
            LogField("uid", Int(peer.uid)))
        if let parts {
            return await ControlHandler(front: self, parts: parts, settings: settings.now).answer(request, peer)
        }
        if request.name == StatusRequest.name.rawValue { return .answer(await status(asksLedger: true).json) }
        return .refusal(code: "unavailable", message: "the daemon has not begun: \(glance.line(silences: []))")
    }
}
