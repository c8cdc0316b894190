import AMQP
import Foundation
import JSON
import PrivateBroker
import SpanCollector
import Testing

extension OnABroker {
    /// Spans of a daemon, read by a collector that is not ours.
    @Suite struct Tracing {
        private static let traceID = "0af7651916cd43dd8448eb211c80319c"

        @Test func aJobIsOneTreeFromItsPublisherToItsResult() async throws {
            let directory = try TemporaryDirectory("collector")
            let collector = try await SpanCollector(in: directory)
            let headers = try directory.write("headers", "authorization=Bearer%20sesame\n")
            let harness = try await DaemonHarness(
                settings: """
                    [trace]
                    endpoint = "\(collector.endpoint)"
                    headers_file = "\(headers.path)"
                    ratio = 0
                    """)
            let check = try await harness.command("check", "--live")
            #expect(check.ending == .exited(0), "\(check.text)")
            #expect(check.text.contains("\(collector.endpoint)/v1/traces takes spans"), "\(check.text)")
            try await harness.start(environment: ["OTEL_SERVICE_NAME": "leaver"])
            try await harness.publish(DaemonHarness.body("traced", account: "acc1", token: "album-traced")) {
                properties in
                var table = FieldTable()
                table.append("traceparent", .text("00-\(Self.traceID)-b7ad6b7169203331-01"))
                table.append("tracestate", .text("v=1"))
                properties.headers = table
            }
            // Whoever begins a trace has not asked for it.
            try await harness.publish(DaemonHarness.body("plain", account: "acc2", token: "album-plain"))
            let results = try await harness.take("results", atLeast: 2).map(ReadResult.init)
            #expect(results.map(\.outcome) == ["left", "left"])
            // Before its end, which waits 3 s for a collector and no longer.
            _ = try await collector.spans(atLeast: 3)
            try await harness.stopInOrder()
            let spans = try collector.spans()
            #expect(spans.count == 3)
            func span(_ kind: String) throws -> JSONValue { try #require(spans.first { $0["kind"]?.text == kind }) }
            let (process, call, send) = (try span("CONSUMER"), try span("CLIENT"), try span("PRODUCER"))
            #expect(Set(spans.compactMap { $0["trace"]?.text }) == [Self.traceID])
            #expect(process["parent"]?.text == "b7ad6b7169203331" && process["state"]?.text == "v=1")
            #expect(call["parent"] == process["span"] && send["parent"] == process["span"])
            let prefix = harness.prefix
            #expect(process["name"]?.text == "process \(prefix).jobs:leave:\(prefix).jobs")
            #expect(send["name"]?.text == "send \(prefix).results:leave.left")
            #expect(process["attributes"]?["messaging.system"]?.text == "rabbitmq")
            #expect(process["attributes"]?["messaging.rabbitmq.message.delivery_tag"]?.integer != nil)
            #expect(process["attributes"]?["leave_album.outcome"]?.text == "left")
            #expect(call["attributes"]?["http.response.status_code"]?.integer == 200)
            #expect(spans.allSatisfy { $0["resource"]?["service.name"]?.text == "leaver" })
            #expect(
                spans.allSatisfy { $0["authorization"]?.text == "Bearer sesame" && $0["path"]?.text == "/v1/traces" })
            #expect(!spans.contains { "\($0)".contains("album-traced") })
            // The API was called in the call's own span.
            let journal = try finishedLines(of: harness.directory.file("journal.jsonl")).joined()
            let id = try #require(call["span"]?.text)
            #expect(journal.contains("00-\(Self.traceID)-\(id)-01"))
            #expect(await harness.log.contains("tracing collector=\(collector.endpoint)/v1/traces"))
            await harness.end()
            await collector.end()
        }

        @Test func aCollectorThatIsAwayIsNoReasonToWait() async throws {
            // Nobody listens there, and whoever is not root never could.
            let harness = try await DaemonHarness(settings: "[trace]\nendpoint = \"http://127.0.0.1:1\"")
            try await harness.start()
            try await harness.publish(DaemonHarness.body("one", account: "acc1", token: "album-one"))
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.outcome) == ["left"])
            try await eventually("it is said") { await harness.log.contains("spans cannot be exported: connect") }
            try await harness.stopInOrder()
            #expect(await harness.log.components(separatedBy: "spans cannot be exported").count == 2)
            await harness.end()
        }
    }
}
