import AMQP
import Jobs
import Ledger
import Operations
import Pipeline
import Service
import Settings
import Telemetry
import Threads

/// What the world sees of the daemon from its first second to its last: the service manager's notifications and the
/// control socket. It answers before there is a ledger or a broker, because that is when people ask.
final class FrontDesk: Sendable {
    let board: StatusBoard
    let liveness: LivenessBoard
    let settings: LiveSettings
    let logger: Logger
    private let clock: any Timekeeper
    private let watchdog: Watchdog

    private struct State {
        var parts: DaemonParts?
        var control: ControlSocketServer?
    }

    // Written by the daemon's start and stop, read by whoever asks; under the lock.
    private let state = Lock(State())

    init(_ settings: LiveSettings, logger: Logger, clock: any Timekeeper) throws(SystemCallError) {
        self.settings = settings
        self.logger = logger
        self.clock = clock
        let board = StatusBoard(clock: clock)
        let liveness = LivenessBoard(clock: clock)
        self.board = board
        self.liveness = liveness
        watchdog = try Watchdog(
            liveness, time: Notifier.watchdogTime ?? Watchdog.ordinaryTime, notifier: .systemd, clock: clock
        ) { [state] silences in
            Self.glance(board, state.withLock { $0.parts }).line(silences: silences)
        }
        board.onChange { [watchdog] in watchdog.refresh() }
    }

    // MARK: To the service manager

    /// Settings, ledger and keys are good, and what the daemon waits for is known.
    func ready() { watchdog.tell(.ready) }

    func reloads() { watchdog.tell(.reloading(monotonicMicroseconds: Notifier.monotonicMicroseconds)) }

    /// Nothing more is taken; what is in hand ends within `time`.
    func stops(within time: Duration) {
        board.drains()
        watchdog.tell(.stopping, .extendTimeout(time))
    }

    /// The daemon cannot start or go on.
    func fails(_ why: String) { watchdog.tell(.status(why)) }

    /// The last thing that is done. Not from a task: it waits for threads.
    func close() {
        let control = state.withLock { state in
            defer { state.control = nil }
            return state.control
        }
        control?.stop()
        watchdog.stop()
    }

    // MARK: To whoever asks

    /// The ledger is this daemon's, and with it the control socket: the commands need it, jobs do not, so without it
    /// the daemon works on, and says so.
    func openControlSocket() {
        let path = settings.now.admin.controlSocket
        do throws(SystemCallError) {
            let control = try ControlSocketServer(path: path) { [weak self] request, peer in
                guard let self else { return .refusal(code: "unavailable", message: "the daemon is ending") }
                return await self.answer(request, peer)
            }
            liveness.watch("control") { control.ping($0) }
            state.withLock { $0.control = control }
        } catch {
            logger.warning(
                "no control socket, so `status` and the ledger's commands cannot reach this daemon: \(error); "
                    + "set admin.control_socket to a path in a directory that the daemon may write")
        }
    }

    func has(_ parts: DaemonParts) {
        state.withLock { $0.parts = parts }
        for (name, ping) in parts.loops { liveness.watch(name, ping) }
    }

    private func answer(_ request: ControlRequest, _ peer: ControlPeer) async -> ControlResponse {
        logger.info(
            "asked over the control socket", LogField("request", request.name), LogField("pid", Int(peer.pid)),
            LogField("uid", Int(peer.uid)))
        if request.name == "status" { return .answer(await status().json) }
        guard let parts = state.withLock({ $0.parts }) else {
            return .refusal(code: "unavailable", message: "the daemon has not begun: \(glance.line(silences: []))")
        }
        let desk = ControlDesk(board: board, parts: parts, settings: settings.now, clock: clock)
        return await desk.answer(request, peer)
    }

    /// What is known without waiting for anybody.
    var glance: DaemonStatus { Self.glance(board, state.withLock { $0.parts }) }

    private static func glance(_ board: StatusBoard, _ parts: DaemonParts?) -> DaemonStatus {
        var status = board.status()
        guard let parts else { return status }
        let load = parts.pipeline.snapshot
        status.inHand = load.inHand
        status.callsInFlight = load.callsInFlight
        if let calls = parts.pipeline.callsToday {
            let day = QuotaZone.day(of: status.at)
            status.quota = .init(day: day.name, spent: calls.spent, limit: calls.limit, resetsAt: day.end)
        }
        return status
    }

    /// With what the links and the ledger say.
    func status() async -> DaemonStatus {
        var status = glance
        guard let parts = state.withLock({ $0.parts }) else { return status }
        status.links = [
            .init("consume", parts.consuming.reading), .init("publish", parts.publishing.reading),
        ]
        if status.quota == nil {
            let day = QuotaZone.day(of: status.at)
            if let count = try? await parts.ledger.count(of: day.name) {
                status.quota = .init(
                    day: day.name, spent: count.calls + count.probes, limit: settings.now.limits.requestsPerDay,
                    resetsAt: day.end)
            }
        }
        if let statistics = try? await parts.ledger.statistics() {
            status.ledger = .init(statistics, path: parts.ledger.path)
        }
        return status
    }
}
