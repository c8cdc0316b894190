import Foundation
import PrivateBroker
import Testing

/// A daemon that waits for a broker which is nowhere, under a limit of descriptors.
private final class LonelyDaemon: Sendable {
    let directory: TemporaryDirectory
    let process: ChildProcess

    static func program(_ name: String) -> String { DaemonHarness.products.appendingPathComponent(name).path }

    static func settings(_ directory: TemporaryDirectory, concurrency: Int = 32) throws {
        try directory.write("tokens", "acc1\tsim:acc1\n")
        try directory.write(
            "d.toml",
            """
            [broker]
            uris = ["amqp://127.0.0.1:\(freePort())"]
            [worker]
            concurrency = \(concurrency)
            [credentials]
            providers = ["static"]
            [credentials.static]
            token_file = "\(directory.file("tokens").path)"
            [ledger]
            path = "\(directory.file("ledger.sqlite3").path)"
            [admin]
            listen = "127.0.0.1:0"
            control_socket = "\(directory.file("control.sock").path)"
            [log]
            format = "text"
            """)
    }

    /// `shell` is what a shell does before it becomes the daemon, and `streams` what it redirects then.
    init(
        _ shell: String, streams: String = "", command: String = "run --new-ledger", concurrency: Int = 32,
        environment: [String: String] = [:]
    ) throws {
        directory = try TemporaryDirectory("lonely")
        try Self.settings(directory, concurrency: concurrency)
        let daemon = "\(Self.program("leave-albumd")) \(command) --config \(directory.file("d.toml").path)"
        process = try ChildProcess(
            ["/bin/sh", "-c", "\(shell); exec \(daemon) \(streams)"], environment: environment,
            output: directory.file("out"))
    }

    /// Where its endpoints are.
    func port() async throws -> UInt16 {
        var port: UInt16?
        try await eventually("it says where its endpoints are") {
            port = process.text.firstMatch(of: /127\.0\.0\.1:([0-9]+)\n/).flatMap { UInt16($0.output.1) }
            return port != nil
        }
        return port ?? 0
    }

    func waitForControl() async throws {
        try await eventually("it listens for commands") {
            FileManager.default.fileExists(atPath: directory.file("control.sock").path)
        }
    }

    /// Everything is open but the connections to the broker, which it tries again and again.
    func waitUntilItConnects() async throws {
        try await eventually("it looks for the broker") { process.text.contains("warning connecting: ") }
    }

    func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count }

    func link(_ descriptor: Int) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process.pid)/fd/\(descriptor)")
    }

    func cpuSeconds() throws -> Double {
        let stat = try String(contentsOfFile: "/proc/\(process.pid)/stat", encoding: .utf8)
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        return ((Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    func stop() async {
        process.signal(SIGTERM)
        #expect(await process.wait() == .exited(0), "\(process.text)")
    }
}

/// Sets the soft limit of a process that runs.
func limit(_ process: ChildProcess, descriptors: Int) async throws {
    let (ending, text) = try await ChildProcess.run([
        "/usr/bin/prlimit", "--pid", "\(process.pid)", "--nofile=\(descriptors):",
    ])
    guard ending == .exited(0) else { throw NeverHappened(description: "prlimit: \(text)") }
}

/// What the daemon does with few descriptors, with none, and with none for its standard streams.
@Suite(.serialized, .timeLimit(.minutes(30))) struct DescriptorTests {
    // MARK: The limit at the start

    private func need(_ text: String) throws -> Int {
        let match = try #require(text.firstMatch(of: /may need (\d+) file descriptors/), "\(text)")
        return try #require(Int(match.output.1))
    }

    @Test func aLimitBelowTheNeedIsRefusedWithBothNumbersAndTheRemedy() async throws {
        let refused = try LonelyDaemon("ulimit -n 100")
        #expect(await refused.process.wait() == .exited(78))
        let text = refused.process.text
        let need = try need(text)
        #expect(text.contains("this process may have 100") && text.contains("LimitNOFILE=\(need)"), "\(text)")
        #expect(text.contains("worker.concurrency = 32"))
        #expect(!FileManager.default.fileExists(atPath: refused.directory.file("ledger.sqlite3").path))

        let more = try LonelyDaemon("ulimit -n 100", concurrency: 64)
        #expect(await more.process.wait() == .exited(78))
        #expect(try self.need(more.process.text) == need + 32 * 3, "a call takes three at most")

        // One too few, and the number itself.
        #expect(await (try LonelyDaemon("ulimit -n \(need - 1)")).process.wait() == .exited(78))
        let works = try LonelyDaemon("ulimit -n \(need)")
        try await works.waitForControl()
        await works.stop()
    }

    @Test func aCheckSaysTheSame() async throws {
        let refused = try LonelyDaemon("ulimit -n 100", command: "check")
        #expect(await refused.process.wait() == .exited(78))
        let need = try need(refused.process.text)
        let good = try LonelyDaemon("ulimit -Sn 100; ulimit -Hn \(need)", command: "check")
        #expect(await good.process.wait() == .exited(0), "\(good.process.text)")
    }

    @Test func theSoftLimitIsRaisedToTheHardOne() async throws {
        let daemon = try LonelyDaemon("ulimit -Sn 100; ulimit -Hn 1000")
        try await daemon.waitForControl()
        let limits = try String(contentsOfFile: "/proc/\(daemon.process.pid)/limits", encoding: .utf8)
        #expect(limits.contains(/Max open files\s+1000\s+1000\s/), "\(limits)")
        await daemon.stop()
    }

    // MARK: Standard streams

    /// Before anything else has their numbers: a log line must not go into an eventfd.
    @Test func closedStandardDescriptorsAreOpenedOnTheNullDevice() async throws {
        for streams in ["<&- >&- 2>&-", "2>&-", "<&- 2>&-"] {
            let daemon = try LonelyDaemon(":", streams: streams)
            try await daemon.waitForControl()
            for number in 0...2 where streams.contains(["<&-", " >&-", "2>&-"][number]) {
                #expect(daemon.link(number) == "/dev/null", "\(streams): \(number)")
            }
            await daemon.stop()
        }
    }

    @Test func aCommandWithoutStreamsWritesIntoNobodysFile() async throws {
        let directory = try TemporaryDirectory("streams")
        let ran = try await ChildProcess.run([
            "/bin/sh", "-c", "exec \(LonelyDaemon.program("leave-albumd")) version <&- >&- 2>&-",
        ])
        #expect(ran.ending == .exited(74), "what it was to print is lost")
        let port = directory.file("port")
        let simulator = try ChildProcess(
            [
                "/bin/sh", "-c",
                "exec \(LonelyDaemon.program("photos-simulator")) --port-file \(port.path) <&- >&- 2>&-",
            ], output: directory.file("out"))
        try await eventually("the simulator listens") { FileManager.default.fileExists(atPath: port.path) }
        for number in 0...2 {
            let link = try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(simulator.pid)/fd/\(number)")
            #expect(link == "/dev/null")
        }
        simulator.signal(SIGTERM)
        #expect(await simulator.wait() == .exited(0))
    }

    // MARK: None left

    /// What a turning loop takes is all of a processor; what waits takes nothing.
    @Test func withoutADescriptorItWaitsIsFedAndRecovers() async throws {
        let directory = try TemporaryDirectory("notify")
        let socket = try NotifySocket(path: directory.file("notify").path)
        let daemon = try LonelyDaemon(
            ":", environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "800000"])
        let port = try await daemon.port()
        try await daemon.waitForControl()
        try await eventually("it is ready") { socket.count("READY=1") == 1 }
        try await daemon.waitUntilItConnects()
        // Its tasks have something to do while it has none: the pool that runs them must not end for it.
        let before = try (0..<30).map { _ in try LocalSocket(port: port) }
        before.forEach { $0.send("GET /status HTTP/1.1\r\nHost: localhost\r\n") }
        try await eventually("they are let in") { try daemon.open() > 60 }
        try await limit(daemon.process, descriptors: 3)
        before.forEach { $0.send("\r\n") }

        let clients = try (0..<40).map { _ in try LocalSocket(port: port) }
        let operators = try (0..<10).map { _ in try LocalSocket(path: daemon.directory.file("control.sock").path) }
        clients.forEach { $0.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") }
        operators.forEach { $0.send(#"{"request":"status"}"# + "\n") }
        let (cpu, fed, began) = (try daemon.cpuSeconds(), socket.count("WATCHDOG=1"), Date())
        try await eventually("it was fed all the time") { socket.count("WATCHDOG=1") >= fed + 15 }
        let took = Date().timeIntervalSince(began)
        #expect(took > 2, "a round is a quarter of the watchdog's time")
        let share = (try daemon.cpuSeconds() - cpu) / took
        #expect(share < 0.25, "\(share) of a processor while it waits")
        #expect(daemon.process.isRunning, "\(daemon.process.text)")
        #expect(daemon.process.text.contains("the admin endpoints let nobody in for now"))
        #expect(daemon.process.text.contains("the control socket lets nobody in for now"))

        try await limit(daemon.process, descriptors: 500)
        try await eventually("who waited is answered") {
            clients.allSatisfy { $0.receivedSoFar().hasPrefix("HTTP/1.1 200") }
        }
        try await eventually("operators too") { operators.last?.receivedSoFar().isEmpty == false }
        await daemon.stop()
        socket.end()
    }

    /// Fewer than there are clients that only keep connections: whoever asks is heard all the same.
    @Test func clientsThatKeepDescriptorsKeepNobodyOut() async throws {
        let daemon = try LonelyDaemon(":")
        let port = try await daemon.port()
        try await daemon.waitUntilItConnects()
        try await limit(daemon.process, descriptors: try daemon.open() + 8)
        let idle = try (0..<20).map { _ in try LocalSocket(port: port) }
        let quiet = try (0..<10).map { _ in try LocalSocket(path: daemon.directory.file("control.sock").path) }
        let asks = try LocalSocket(port: port)
        asks.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let commands = try LocalSocket(path: daemon.directory.file("control.sock").path)
        commands.send(#"{"request":"status"}"# + "\n")
        try await eventually("both are answered") {
            [asks, commands].allSatisfy { !$0.receivedSoFar().isEmpty }
        }
        #expect(idle.count + quiet.count == 30)
        await daemon.stop()
    }

    @Test func aStandbyStaysOne() async throws {
        let first = try LonelyDaemon(":")
        try await first.waitForControl()
        let second = try ChildProcess(
            [
                LonelyDaemon.program("leave-albumd"), "run", "--new-ledger", "--config",
                first.directory.file("d.toml").path,
            ], output: first.directory.file("second"))
        try await eventually("it stands by") { second.text.contains("standing by") }
        try await limit(second, descriptors: 3)
        #expect(await second.wait(seconds: 2.5) == nil, "\(second.text)")
        try await limit(second, descriptors: 500)
        await first.stop()
        try await eventually("it takes over") { second.text.contains("warning connecting: ") }
        second.signal(SIGTERM)
        #expect(await second.wait() == .exited(0))
    }
}
