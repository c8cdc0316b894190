import AMQP
import Clocks
import Concurrency
import Foundation
import JSON
import PrivateBroker
import Secrets

/// Queues of a prefix on the broker, a simulator and a daemon: what a site has, for one test.
actor DaemonHarness {
    nonisolated let directory: TemporaryDirectory
    nonisolated let broker: PrivateBroker
    /// Of this test's queues, so that they are nobody else's on the shared broker.
    nonisolated let prefix: String
    private let simulator: ChildProcess
    nonisolated let simulatorPort: Int
    private(set) var daemon: ChildProcess?
    private var starts = 0
    nonisolated let publisher: PublishingLink
    nonisolated let session: BrokerAdmin

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static var products: URL {
        // The test program lies beside the others.
        URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
    }

    /// `settings` are lines of TOML after the usual ones; tables that are there already are `worker` and below. `ledger`
    /// are those of its table: by default a file.
    init(
        accounts: Int = 50, settings: String = "", simulatorOptions: [String] = [], broker own: PrivateBroker? = nil,
        ledger: String? = nil
    ) async throws {
        directory = try TemporaryDirectory("stage")
        if let own { broker = own } else { broker = try await PrivateBroker.shared.value }
        prefix = "t\(UUID().uuidString.prefix(8).lowercased())"
        simulator = try ChildProcess(
            [
                Self.products.appendingPathComponent("photos-simulator").path, "--auto-members", "--port-file",
                directory.file("port").path, "--journal", directory.file("journal.jsonl").path,
            ] + simulatorOptions, output: directory.file("simulator.out"))
        let portFile = directory.file("port")
        try await eventually("the simulator listens") { FileManager.default.fileExists(atPath: portFile.path) }
        simulatorPort = Int(try String(contentsOf: portFile, encoding: .utf8).dropLast()) ?? 0
        let tokens = (1...accounts).map { "acc\($0)\tsim:acc\($0)\n" }.joined()
        try directory.write("tokens", tokens)
        try directory.write(
            "d.toml",
            """
            [broker]
            uris = ["amqp://127.0.0.1:\(broker.port)"]
            prefix = "\(prefix)"
            [api]
            base_url = "http://127.0.0.1:\(simulatorPort)"
            [credentials]
            providers = ["static"]
            [credentials.static]
            token_file = "\(directory.file("tokens").path)"
            [ledger]
            \(ledger ?? "path = \"\(directory.file("ledger.sqlite3").path)\"\ndurability = \"normal\"")
            [admin]
            listen = "127.0.0.1:0"
            control_socket = "\(directory.file("control.sock").path)"
            [log]
            format = "text"
            [limits]
            requests_per_day = 0
            requests_per_minute_per_account = 0
            \(settings)
            """)
        let configuration = Self.link(to: broker, "stage")
        publisher = try PublishingLink(configuration) { _ in }
        session = try BrokerAdmin(configuration)
        // A broker that has no turn for ten seconds is asked again.
        var declared = try await command("topology", "declare")
        for _ in 0..<20 where declared.ending != .exited(0) { declared = try await command("topology", "declare") }
        guard declared.ending == .exited(0) else { throw Failure(description: declared.text) }
    }

    /// Ends what it started. Call it at the end of each test.
    func end() async {
        daemon?.signal(SIGKILL)
        simulator.signal(SIGTERM)
        _ = await daemon?.wait()
        if ProcessInfo.processInfo.environment["STAGE_LOG"] != nil { print(logs) }
        _ = await simulator.wait()
        publisher.stop()
        session.stop()
    }

    // MARK: The daemon

    /// `shell`: what a shell does before it becomes the daemon.
    func start(environment: [String: String] = [:], after shell: String = ":") throws {
        starts += 1
        daemon = try ChildProcess(
            [
                "/bin/sh", "-c", "\(shell); exec \"$@\"", "sh",
                Self.products.appendingPathComponent("leave-albumd").path,
                "run", "--new-ledger", "--config", directory.file("d.toml").path,
            ], environment: environment, output: directory.file("daemon-\(starts).out"))
    }

    /// SIGTERM, and the end that it must have.
    func stopInOrder() async throws {
        daemon?.signal(SIGTERM)
        let ending = await daemon?.wait()
        guard ending == .exited(0) else {
            throw Failure(description: "SIGTERM: \(String(describing: ending)): \(log)")
        }
    }

    /// How often the daemon of now began to consume.
    var consumptions: Int {
        log.components(separatedBy: "queues=\(prefix).due,").count - 1
    }

    /// Many at once, because each waits for a confirm.
    nonisolated func inParallel(
        _ numbers: some Collection<Int> & Sendable, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            for number in numbers {
                if running == 200 { try await group.next() } else { running += 1 }
                group.addTask { try await body(number) }
            }
            try await group.waitForAll()
        }
    }

    var log: String { daemon?.text ?? "" }

    /// Every line that any of the daemons wrote.
    var logs: String {
        (1...max(1, starts)).flatMap { (try? finishedLines(of: directory.file("daemon-\($0).out"))) ?? [] }
            .joined(separator: "\n")
    }

    func command(_ message: String...) async throws -> (ending: ChildProcess.Ending?, text: String) {
        try await command(message)
    }

    nonisolated func command(
        _ message: [String], environment: [String: String] = [:]
    ) async throws -> (ending: ChildProcess.Ending?, text: String) {
        try await ChildProcess.run(
            [Self.products.appendingPathComponent("leave-albumd").path] + message
                + ["--config", directory.file("d.toml").path], environment: environment)
    }

    /// What the daemon of now has used, from its birth.
    func usage() throws -> (cpuSeconds: Double, peakKiB: Int) {
        guard let pid = daemon?.pid else { throw Failure(description: "no daemon runs") }
        let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        // After the name in parentheses: state is the first, user and system time the 12th and 13th.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        let ticks = (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ")
        return (ticks / Double(sysconf(Int32(_SC_CLK_TCK))), peak.flatMap { Int($0[1]) } ?? 0)
    }

    /// Nothing waits in a queue, and the daemon has nothing in hand.
    func isQuiet() async throws -> Bool {
        guard try await waiting() == 0 else { return false }
        let status = try JSONValue.parse(Array(try await command("status", "--json").text.utf8))
        return status["inHand"]?.integer == 0
    }

    /// Whatever lies in the queues that a job can be in before its result.
    func waiting() async throws -> Int {
        var total = 0
        for queue in ["jobs", "bulk", "due", "retry.1s", "retry.5s", "broken"] {
            total += max(0, try await depth(queue))
        }
        return total
    }

    func waitUntilConsuming() async throws {
        let daemon = self.daemon
        try await eventually("the daemon consumes") { daemon?.text.contains("queues=\(self.prefix).due,") == true }
    }

    /// Runs the daemon until no job is anywhere between its publisher and its result. What it has in hand is not
    /// counted as waiting, so only a look after its orderly end proves that nothing is left.
    /// `results`: so many lie in their queue by then; for whoever knows, because a broker counts what a killed daemon
    /// gives back a little late.
    func workUntilIdle(results: Int = 0) async throws {
        for _ in 0..<20 {
            try start()
            try await waitUntilConsuming()
            try await eventually("nothing waits any more") { try await self.isIdle(results: results) }
            daemon?.signal(SIGTERM)
            guard await daemon?.wait() == .exited(0) else { throw Failure(description: "SIGTERM: \(log)") }
            if try await isIdle(results: results) { return }
        }
        throw NeverHappened(description: "the queues stay empty after the daemon's end")
    }

    private func isIdle(results: Int) async throws -> Bool {
        guard try await depth("results") >= results else { return false }
        for queue in ["jobs", "bulk", "due", "retry.1s", "retry.5s", "broken"] where try await depth(queue) > 0 {
            return false
        }
        return true
    }

    // MARK: The simulator

    func faults(_ json: String) async throws {
        _ = try await curl("-XPOST", "-d", json, "/_simulator/faults")
    }

    func clearFaults() async throws {
        _ = try await curl("-XDELETE", "/_simulator/faults")
    }

    func control(_ path: String, _ json: String) async throws {
        _ = try await curl("-XPOST", "-d", json, "/_simulator/\(path)")
    }

    private func curl(_ message: String...) async throws -> String {
        let (ending, text) = try await ChildProcess.run(
            ["/usr/bin/curl", "-sSf"] + message.dropLast() + ["http://127.0.0.1:\(simulatorPort)\(message.last ?? "")"])
        guard ending == .exited(0) else { throw Failure(description: "the simulator's control: \(text)") }
        return text
    }

    struct Call: Sendable {
        var account: String
        var token: String
        var effect: String
        var answer: String
        var method: String
    }

    /// What the simulator was asked, `leave` or `get`.
    nonisolated func calls(of method: String = "leave") throws -> [Call] {
        try journal().filter { $0.method == method }
    }

    /// All of it, in the order of the answers.
    nonisolated func journal() throws -> [Call] {
        try finishedLines(of: directory.file("journal.jsonl")).map { line in
            let json = try JSONValue.parse(Array(line.utf8))
            return Call(
                account: json["account"]?.text ?? "", token: json["token"]?.text ?? "",
                effect: json["effect"]?.text ?? "", answer: json["answer"]?.text ?? "",
                method: json["method"]?.text ?? "")
        }
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again, because what is looked at is another process; fails after a long time.
func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
    let deadline = Date().addingTimeInterval(ChildProcess.timeout)
    while try await !isSo() {
        guard Date() < deadline else { throw NeverHappened(description: what) }
        try await Task.sleep(for: .milliseconds(20))
    }
}
