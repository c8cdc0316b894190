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

    func start(_ name: String, environment: [String: String] = [:], options: [String] = []) throws -> Member {
        var all = Self.times
        all["LEAVE_ALBUMD_LEDGER_INSTANCE"] = name
        all["LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET"] = site.directory.file("control-\(name).sock").path
        all.merge(environment) { $1 }
        let process = try ChildProcess(
            [
                DaemonHarness.products.appendingPathComponent("leave-albumd").path, "run", "--config",
                site.directory.file("d.toml").path,
            ] + options, environment: all,
            output: site.directory.file("daemon-\(name)-\(UUID().uuidString.prefix(4)).out"))
        return Member(name: name, process: process, prefix: site.prefix)
    }

    /// The database is killed while this daemon, which works alone, calls for job `slow`: what the call comes to cannot be
    /// recorded.
    func loseDatabase(inACallOf member: Member) async throws {
        try await site.faults(
            #"{"token":"album-slow","count":1,"actions":[{"fault":"delay","milliseconds":1000}]}"#)
        try await site.publish(DaemonHarness.body("slow", account: "acc1", token: "album-slow"))
        try await eventually("the call is on its way") { try site.calls().count == 1 }
        await database.kill()
        try await eventually("it holds") { member.log.contains("cause=ledger_unavailable") }
    }

    /// A command to that daemon.
    func ask(_ member: Member, _ words: [String]) async throws -> (ChildProcess.Ending?, String) {
        let socket = site.directory.file("control-\(member.name).sock").path
        let answer = try await site.command(words, environment: ["LEAVE_ALBUMD_ADMIN_CONTROL_SOCKET": socket])
        return (answer.ending, answer.text)
    }

    /// What is printed of an order once all have acknowledged it. It waits two seconds for that, and a machine that does
    /// much else may need longer: then it is given once more. `before`: what it takes back, once more too.
    func acknowledged(
        _ member: Member, _ words: [String], before: (member: Member, words: [String])? = nil
    ) async throws -> String {
        var text = ""
        try await eventually("all acknowledge \(words)") {
            if let before { _ = try await ask(before.member, before.words) }
            let answer = try await ask(member, words)
            text = answer.1
            return answer.0 == .exited(0)
        }
        return text
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
        func stopInOrder() async throws {
            process.signal(SIGTERM)
            let ending = await process.wait()
            guard ending == .exited(0) else {
                throw DaemonHarness.Failure(description: "SIGTERM: \(String(describing: ending)): \(log)")
            }
        }
    }

    /// Ends what it started. Call it at the end of each test.
    func end(_ members: Member...) async {
        for member in members {
            member.process.signal(SIGKILL)
            _ = await member.process.wait()
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
