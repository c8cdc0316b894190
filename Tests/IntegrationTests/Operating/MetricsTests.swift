import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// What an operator's Prometheus sees of a running daemon.
    @Suite struct Metrics {
        /// Every metric of the table of docs/metrics.md, with its prefix.
        private static func promised() throws -> Set<String> {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            let text = try String(contentsOf: root.appendingPathComponent("docs/metrics.md"), encoding: .utf8)
            let rows = text.components(separatedBy: "\n| metric | meaning |\n").last ?? ""
            return Set(
                rows.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
                    row.dropFirst().prefix { $0 != "|" }.matches(of: /`([a-z_]+)(?:\{[^`]*\})?`/)
                        .map { "leave_album_\($0.output.1)" }
                })
        }

        /// Twenty that leave, five of an account whose access is gone, one already gone, one that is no job, one twice.
        private func work(_ harness: DaemonHarness) async throws {
            try await harness.faults(#"{"account":"acc7","actions":[{"wording":"photos_disabled"}]}"#)
            for number in 1...20 {
                try await harness.publish(
                    DaemonHarness.body(
                        "m\(number)", account: "acc\(number == 7 ? 27 : number)", token: "album-m\(number)"))
            }
            for number in 1...5 {
                try await harness.publish(DaemonHarness.body("d\(number)", account: "acc7", token: "album-d\(number)"))
            }
            try await harness.publish(Array(#"{"jobId":"bad","account":7,"shareToken":"t"}"#.utf8))
            _ = try await harness.take("results", atLeast: 26)
            try await harness.publish(DaemonHarness.body("m1", account: "acc1", token: "album-m1"))
            _ = try await harness.take("results", atLeast: 1)
        }

        @Test func whatHappenedIsCountedAndAPrometheusReadsIt() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            let admin = try await harness.adminAddress()
            try await work(harness)
            let queue = "\(harness.prefix).dead"
            try await eventually("the polling has seen the letters") {
                try await harness.metric(#"leave_album_queue_messages{queue="\#(queue)"}"#) == "6"
            }

            let text = try await harness.endpoint("/metrics").text
            let shown = Set(text.matches(of: #/# TYPE ([a-z_]+) /#).map { String($0.output.1) })
            #expect(shown == (try Self.promised()), "what it shows, and what docs/metrics.md promises")
            try harness.directory.write("scraped", text)
            let checked = try await ChildProcess.run(
                ["/bin/sh", "-c", "promtool check metrics <'\(harness.directory.file("scraped").path)'"])
            #expect(checked.ending == .exited(0) && checked.text.isEmpty, "\(checked.text)")

            let calls = try harness.calls().count
            let expected = [
                (#"leave_album_jobs_total{outcome="left",reason=""}"#, 20),
                (#"leave_album_jobs_total{outcome="failed",reason="photos_disabled_for_user"}"#, 5),
                (#"leave_album_jobs_total{outcome="rejected",reason="malformed_job"}"#, 1),
                (#"leave_album_dead_letters_total{reason="photos_disabled_for_user"}"#, 5),
                (#"leave_album_dead_letters_total{reason="malformed_job"}"#, 1),
                ("leave_album_replays_total", 1),
                (#"leave_album_api_requests_total{code="200"}"#, 20),
                (#"leave_album_api_requests_total{code="403"}"#, calls - 20),
                ("leave_album_api_request_duration_seconds_count", calls),
                ("leave_album_time_to_result_seconds_count", 25), ("leave_album_job_duration_seconds_count", 26),
                ("leave_album_ledger_entries", 25), ("leave_album_in_flight", 0), ("leave_album_active", 1),
                ("leave_album_consuming", 1), (#"leave_album_broker_connected{link="consume"}"#, 1),
                (#"leave_album_broker_connected{link="publish"}"#, 1),
                (#"leave_album_hold{cause="quota_day"}"#, 0),
                (#"leave_album_queue_consumers{queue="\#(harness.prefix).jobs"}"#, 1),
            ]
            let prometheus = try await Prometheus(scraping: admin, in: harness.directory)
            for (series, count) in expected {
                #expect(try await harness.metric(series) == "\(count)", "\(series)")
                #expect(try await prometheus.value(of: series) == "\(count)", "\(series), in Prometheus")
            }
            #expect(try await harness.metric("leave_album_quota_remaining") == "+Inf")
            #expect(try await prometheus.value(of: "up") == "1")
            #expect(!text.contains("acc7") && !text.contains("album-"), "no account and no token")
            await prometheus.end()
            try await harness.stopInOrder()
            await harness.end()
        }

        @Test func theEndpointsDistinguishAHoldFromWorkAndAreReadOnly() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.waitUntilConsuming()
            #expect(try await harness.endpoint("/livez").status == 200)
            let ready = try await harness.endpoint("/readyz")
            #expect(ready.status == 200 && ready.text == "consuming\n", "\(ready)")
            #expect(try await harness.command("pause").ending == .exited(0))
            let held = try await harness.endpoint("/readyz")
            #expect(held.status == 503 && held.text == "hold:operator_paused\n", "\(held)")
            #expect(try await harness.metric(#"leave_album_hold{cause="operator_paused"}"#) == "1")
            #expect(try await harness.metric("leave_album_consuming") == "0")
            #expect(try await harness.metric("leave_album_active") == "1")
            #expect(try await harness.command("resume").ending == .exited(0))
            try await eventually("it works again") { try await harness.endpoint("/readyz").status == 200 }
            #expect(try await harness.endpoint("/metrics", "-XPOST").status == 405)
            try await harness.stopInOrder()
            await harness.end()
        }
    }
}

/// A Prometheus of this test's own, which scrapes one address.
struct Prometheus: Sendable {
    private let child: ChildProcess
    private let port: Int

    init(scraping address: String, in directory: TemporaryDirectory) async throws {
        let port = freePort()
        self.port = port
        let file = try directory.write(
            "prometheus.yml",
            """
            global:
              scrape_interval: 1s
            scrape_configs:
              - job_name: leave-albumd
                static_configs:
                  - targets: ["\(address)"]
            """)
        child = try ChildProcess(
            [
                "/usr/bin/prometheus", "--config.file=\(file.path)", "--web.listen-address=127.0.0.1:\(port)",
                "--storage.tsdb.path=\(directory.file("tsdb").path)",
            ], output: directory.file("prometheus.out"))
        try await eventually("Prometheus has scraped it") { try await value(of: "up") == "1" }
    }

    /// The value that an instant query of exactly this series gives; nil if it gives none.
    func value(of series: String) async throws -> String? {
        let (ending, text) = try await ChildProcess.run([
            "/usr/bin/curl", "-sS", "-G", "--data-urlencode", "query=\(series)",
            "http://127.0.0.1:\(port)/api/v1/query",
        ])
        guard ending == .exited(0), let json = try? JSONValue.parse(Array(text.utf8)),
            case .array(let results)? = json["data"]?["result"], results.count == 1,
            case .array(let pair)? = results[0]["value"]
        else { return nil }
        return pair.last?.text
    }

    func end() async {
        child.signal(SIGTERM)
        if await child.wait() == nil { child.signal(SIGKILL) }
    }
}
