import AMQP
import Clocks
import Concurrency
import Glibc
import HTTP
import JSON
import Jobs
import SQLiteLedger
import Secrets
import Service
import Telemetry
import Testing

/// What `RunningService` promises, of each service of the daemon.
@Suite(.timeLimit(.minutes(30))) struct RunningServiceTests {
    enum Kind: CaseIterable, Sendable {
        case admin, brokerSession, consuming, control, http, ledger, publishing, watchdog
    }

    /// A folder of its own, and the service in it. The links have no broker.
    private static func with(_ kind: Kind, _ body: (any RunningService) async throws -> Void) async throws {
        var template = Array("/tmp/service-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for end in ["", "-wal", "-shm", ".lock"] { unlink("\(folder)/l\(end)") }
            rmdir(folder)
        }
        try await body(try await make(kind, in: folder))
    }

    private static func make(_ kind: Kind, in folder: String) async throws -> any RunningService {
        let link = LinkConfiguration(
            endpoints: [Endpoint(host: "127.0.0.1", port: 1)],
            authentication: .plain(username: "guest", password: Secret(copying: Array("guest".utf8))),
            connectionName: "conformance")
        switch kind {
        case .admin: return try AdminServer(host: "127.0.0.1", port: 0, routes: [:])
        case .brokerSession: return try BrokerAdmin(link)
        case .consuming: return try ConsumingLink(link) { _ in }
        case .control: return try ControlSocketServer(path: folder + "/s") { _, _ in .answer(.null) }
        case .http: return try HTTPEngine(HTTPConfiguration())
        case .ledger: return try await EmbeddedLedger.open(path: folder + "/l", durability: .normal, onWaiting: nil)
        case .publishing: return try PublishingLink(link) { _ in }
        case .watchdog:
            return try Watchdog(
                LivenessMonitor(clock: SystemTimeSource()), time: .seconds(3_600), notifier: Notifier { _ in },
                clock: SystemTimeSource(), line: { _ in "fine" })
        }
    }

    @Test(arguments: Kind.allCases) func aPingComesBackBeforeTheEndAndAfterIt(_ kind: Kind) async throws {
        try await Self.with(kind) { service in
            await withCheckedContinuation { done in service.ping { done.resume() } }
            try await Stress.twice { service.stop() }
            await withCheckedContinuation { done in service.ping { done.resume() } }
            await NativeThread.offload("again") { service.stop() }
        }
    }

    /// The watchdog would take a lost one for a loop that is stuck.
    @Test(arguments: Kind.allCases) func noPingIsLostInTheEnd(_ kind: Kind) async throws {
        try await Self.with(kind) { service in
            let (pings, answers) = (2_000, Lock(0))
            let pinging = try NativeThread(name: "pinging") {
                for _ in 0..<pings { service.ping { answers.withLock { $0 += 1 } } }
            }
            try await Stress.twice { service.stop() }
            await NativeThread.offload("pinging") { pinging.join() }
            #expect(answers.withLock { $0 } == pings)
        }
    }
}
