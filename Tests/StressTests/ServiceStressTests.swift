import Clocks
import Concurrency
import Glibc
import HTTP
import JSON
import Jobs
import SQLiteLedger
import Service
import Telemetry
import Testing

extension Stress {
    @Test func controlSocket() async throws {
        var template = Array("/tmp/stress-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { rmdir(folder) }
        let path = folder + "/s"
        try await Self.rounds { moment in
            let server = try ControlSocketServer(path: path) { _, _ in .answer(.null) }
            // Asked all the while; an end in the middle is an error that it tells.
            let asking = Task { try? await ControlClient(path: path).perform("status") }
            try await Task.sleep(for: moment)
            try await Self.twice { server.stop() }
            #expect(access(path, F_OK) != 0, "the socket is left")
            _ = await asking.value
        }
    }

    @Test func adminServer() async throws {
        let engine = try HTTPEngine(HTTPConfiguration())
        try await Self.rounds { moment in
            let server = try AdminServer(host: "127.0.0.1", port: 0, routes: ["/livez": { _ in .text("alive") }])
            let request = HTTPRequest(.get, url: "http://\(server.authority)/livez")
            let asking = Task { await engine.send(request) }
            try await Task.sleep(for: moment)
            try await Self.twice { server.stop() }
            _ = await asking.value
        }
        try await Self.twice { engine.stop() }
    }

    @Test func watchdog() async throws {
        let reported = Lock(0)
        try await Self.rounds { moment in
            let watchdog = try Watchdog(
                LivenessMonitor(clock: SystemTimeSource()), time: .milliseconds(4),
                notifier: Notifier { _ in reported.withLock { $0 += 1 } }, clock: SystemTimeSource(),
                line: { _ in "fine" })
            watchdog.notify(.ready)
            try await Task.sleep(for: moment)
            try await Self.twice { watchdog.stop() }
            let last = reported.withLock { $0 }
            watchdog.refresh()
            #expect(reported.withLock { $0 } == last, "it speaks after its end")
        }
        #expect(reported.withLock { $0 } >= Self.rounds, "what was told before the end was said")
    }

    @Test func httpEngine() async throws {
        let server = try AdminServer(host: "127.0.0.1", port: 0, routes: ["/livez": { _ in .text("alive") }])
        let request = HTTPRequest(.get, url: "http://\(server.authority)/livez")
        try await Self.rounds { moment in
            let engine = try HTTPEngine(HTTPConfiguration())
            let asking = (0..<4).map { _ in Task { await engine.send(request) } }
            try await Task.sleep(for: moment)
            try await Self.twice { engine.stop() }
            // Each has an end, whatever it is.
            for task in asking { _ = await task.value }
        }
        try await Self.twice { server.stop() }
    }

    @Test func ledger() async throws {
        var template = Array("/tmp/stress-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for end in ["", "-wal", "-shm", ".lock"] { unlink("\(folder)/l\(end)") }
            rmdir(folder)
        }
        try await Self.rounds { moment in
            // The lock of the round before is free, or this throws.
            let ledger = try await EmbeddedLedger.open(path: folder + "/l", durability: .normal, onWaiting: nil)
            ledger.ping {}
            try await Task.sleep(for: moment)
            async let first = ledger.close(within: .seconds(240))
            async let second = ledger.close(within: .seconds(240))
            #expect(await first + second == 0)
        }
    }
}
