import Foundation
import JSON
import PrivateBroker
import PrivateDatabase

/// Several daemons over one database, one broker and one simulator: what a site has, for one test.
struct ClusterHarness {
    let database: PrivateDatabase
    let site: DaemonHarness

    /// `settings` and `simulatorOptions` as for one daemon. `declares`: the ledger's tables are made.
    init(settings: String = "", simulatorOptions: [String] = [], declares: Bool = true) async throws {
        database = try await PrivateDatabase()
        try await database.run("CREATE ROLE owner LOGIN; CREATE ROLE worker LOGIN")
        try await database.run("CREATE DATABASE leave_album OWNER owner")
        site = try await DaemonHarness(
            settings: "[retry]\ndelays = [\"1s\", \"5s\"]\n\(settings)", simulatorOptions: simulatorOptions,
            ledger: """
                url = "postgresql://worker@127.0.0.1:\(database.port)/leave_album"
                send_window = "1s"
                grace = "1s"
                """)
        if declares { try await declare("--worker-role", "worker") }
    }

    func declare(_ more: String...) async throws {
        let url = "postgresql://owner@127.0.0.1:\(database.port)/leave_album"
        let (ending, text) = try await site.command(["ledger", "declare", "--url", url] + more)
        guard ending == .exited(0) else { throw DaemonHarness.Failure(description: "declaring: \(text)") }
    }

    /// A lease of five seconds in all, so that a test does not wait for half a minute.
    private static let times = ["LEAVE_ALBUMD_API_TIMEOUT": "3s", "LEAVE_ALBUMD_API_CONNECT_TIMEOUT": "1s"]

    func start(_ name: String, environment: [String: String] = [:]) throws -> Member {
        var all = Self.times
        all["LEAVE_ALBUMD_LEDGER_INSTANCE"] = name
        all["LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET"] = site.directory.file("control-\(name).sock").path
        all.merge(environment) { $1 }
        let process = try ChildProcess(
            [
                DaemonHarness.products.appendingPathComponent("leave-albumd").path, "run", "--config",
                site.directory.file("d.toml").path,
            ], environment: all, output: site.directory.file("daemon-\(name)-\(UUID().uuidString.prefix(4)).out"))
        return Member(name: name, process: process, prefix: site.prefix)
    }

    /// One daemon.
    struct Member {
        let name: String
        let process: ChildProcess
        let prefix: String

        var log: String { process.text }

        func waitUntilConsuming() async throws {
            try await eventually("\(name) consumes") { log.contains("queues=\(prefix).due,") }
        }

        /// SIGTERM, and the end that it must have.
        func stopInOrder(seconds: Double = 40) async throws {
            process.signal(SIGTERM)
            let ending = await process.wait(seconds: seconds)
            guard ending == .exited(0) else {
                throw DaemonHarness.Failure(description: "SIGTERM: \(String(describing: ending)): \(log)")
            }
        }
    }

    /// Ends what it started. Call it at the end of each test.
    func end(_ members: Member...) async {
        for member in members {
            member.process.signal(SIGKILL)
            _ = await member.process.wait(seconds: 10)
        }
        await site.end()
        await database.end()
    }

    // MARK: What must hold

    /// Each job's second call and those after it: the album was asked since the one before.
    func unexplainedCalls() throws -> [String] {
        var asked: [String: Bool] = [:]
        var unexplained: [String] = []
        for call in try site.journal() {
            switch call.method {
            case "leave":
                if asked[call.token] == false { unexplained.append(call.token) }
                asked[call.token] = false
            case "get": asked[call.token] = true
            default: break
            }
        }
        return unexplained
    }
}
