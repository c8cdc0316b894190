import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    @Suite struct CloudEvents {
        private static let types = #"[messages]\#ncloudevents = ["com.example.leave"]"#

        private static func texts(_ value: JSONValue?) -> String {
            value.map { String(decoding: $0.encoded(), as: UTF8.self) } ?? "-"
        }

        /// Both ways, by one binding for the results.
        private func roundTrip(_ binding: String) async throws {
            let harness = try await DaemonHarness(
                settings: """
                    \(Self.types)
                    [results]
                    cloudevents = "\(binding)"
                    source = "/worker/of mine"
                    type = "com.example.left"
                    """)
            try await harness.start()
            try await harness.waitUntilConsuming()
            let port = "\(harness.broker.port)"
            _ = try await CloudEventsPeer.run(harness, "publish", port, "\(harness.prefix).jobs")
            let results = try await CloudEventsPeer.run(
                harness, "read", port, "\(harness.prefix).results", binding, "8")
            let jobs = [
                "rabbitmq-binary-1", "rabbitmq-structured-2", "amqp-binary-3", "amqp-structured-4", "amqp-colon-5",
                "rabbitmq-bytes-6",
            ]
            let bySubject = Dictionary(uniqueKeysWithValues: results.map { ($0["subject"]?.text ?? "-", $0) })
            #expect(Set(bySubject.keys) == Set(jobs + ["rabbitmq-other-7", "rabbitmq-base64-8"]))
            for (index, job) in jobs.enumerated() {
                let result = try #require(bySubject[job])
                #expect(result["id"]?.text == "\(job)#0" && result["message"]?.text == "\(job)#0")
                #expect(result["source"]?.text == "/worker/of mine" && result["type"]?.text == "com.example.left")
                #expect(result["specversion"]?.text == "1.0" && result["datacontenttype"]?.text == "application/json")
                let data = try #require(result["data"])
                #expect(Self.texts(data) == result["body"]?.text, "its reader has the very members")
                #expect(data["outcome"]?.text == "left" && data["account"]?.text == "acc\(index + 1)")
                #expect(data["event"]?["id"]?.text == job)
                #expect(data["event"]?["source"]?.text == "https://idm.example.com/ü")
                #expect(data["event"]?["subject"]?.text == "users/8472")
                // A broker's own type has no fractions of a second.
                let time = job == "amqp-colon-5" ? "12:00:00.000Z" : "12:00:00.123"
                #expect(data["event"]?["time"]?.text?.contains("2026-11-23T\(time)") == true, "\(Self.texts(data))")
                let completed = try #require(data["completedAt"]?.text.flatMap { Self.milliseconds($0) })
                #expect(result["time"]?.integer == completed)
            }
            for (job, reason) in [
                ("rabbitmq-other-7", "unsupported_event_type"), ("rabbitmq-base64-8", "malformed_job"),
            ] {
                let result = try #require(bySubject[job])
                #expect(result["id"]?.text?.hasPrefix("rejected:") == true && result["time"] == .null)
                #expect(result["data"]?["reason"]?.text == reason)
                #expect(result["data"]?["event"]?["id"]?.text == job)
            }
            #expect(Set(try harness.calls().map(\.token)) == Set(jobs.map { "album-\($0)" }))
            #expect(try harness.calls().count == jobs.count)
            await harness.end()
        }

        private static func milliseconds(_ text: String) -> Int64? {
            let format = ISO8601DateFormatter()
            format.formatOptions.insert(.withFractionalSeconds)
            return format.date(from: text).map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) }
        }

        @Test func eventsAndResultsGoBothWaysByTheBindingToRabbitMQ() async throws { try await roundTrip("rabbitmq") }

        @Test func eventsAndResultsGoBothWaysByTheBindingToAMQP() async throws { try await roundTrip("amqp") }

        @Test func theCommandsSubmitEventsAndShowThem() async throws {
            let harness = try await DaemonHarness(settings: Self.types)
            try await harness.start()
            try await harness.waitUntilConsuming()
            try harness.directory.write(
                "list",
                """
                {"jobId":"plain","account":"acc1","shareToken":"album-plain"}
                {"specversion":"1.0","id":"event","source":"/s","type":"com.example.leave",\
                "data":{"account":"acc2","shareToken":"album-event"}}

                """)
            let list = harness.directory.file("list").path
            let submitted = try await harness.command(["submit", "--file", list, "--cloudevents", "--wait"])
            #expect(submitted.ending == .exited(0), "\(submitted.text)")
            let shown = try submitted.text.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
                try JSONValue.parse(Array($0.utf8))
            }
            #expect(Set(shown.map { $0["id"]?.text }) == ["plain#0", "event#0"])
            #expect(shown.allSatisfy { $0["source"]?.text == "/leave-albumd" })
            #expect(shown.allSatisfy { $0["data"]?["outcome"]?.text == "left" })
            #expect(Set(shown.map { $0["data"]?["event"]?["source"]?.text }) == ["/s", "/leave-albumd/submit"])
            let twice = try await harness.command(["submit", "--file", list, "--cloudevents", "--wait"])
            #expect(twice.ending == .exited(0), "the same source again: \(twice.text)")
            let conflict = try await harness.command(["submit", "--file", list, "--event-source", "/x"])
            #expect(conflict.ending == .exited(64))
            let other = try await harness.command(
                ["submit", "--file", list, "--cloudevents", "--event-source", "/x", "--wait"])
            #expect(other.ending == .exited(1), "\(other.text)")
            #expect(other.text.contains("job_id_conflict"))
            #expect(
                try await harness.command(["results", "--cloudevents", "--replay", "plain"]).ending == .exited(64))
            let none = try await harness.command(
                ["submit", "--file", list, "--cloudevents"], environment: ["LEAVE_ALBUMD_MESSAGES_CLOUDEVENTS": "[]"])
            #expect(none.ending == .exited(78) && none.text.contains("messages.cloudevents"))
            await harness.end()
        }

        @Test func aReloadTakesATypeOntoTheListAndMakesResultsEvents() async throws {
            let harness = try await DaemonHarness(settings: "# none")
            try await harness.start()
            try await harness.waitUntilConsuming()
            let body = Array(
                #"{"specversion":"1.0","id":"e-1","source":"/s","type":"com.example.leave","data":{"account":"acc1","shareToken":"album-reload"}}"#
                    .utf8)
            try await harness.publish(body) { $0.contentType = "application/cloudevents+json" }
            let first = try await harness.take("results", atLeast: 1)
            #expect(try first.map(ReadResult.init).map(\.reason) == ["unsupported_content"])
            #expect(first.allSatisfy { $0.properties.headers?["ce-id"] == nil })
            try await harness.changeSettings("\(Self.types)\n[results]\ncloudevents = \"rabbitmq\"")
            try await harness.publish(body) { $0.contentType = "application/cloudevents+json; charset=utf-8" }
            let second = try await harness.take("results", atLeast: 1)
            #expect(try second.map(ReadResult.init).map(\.messageID) == ["e-1#0"])
            #expect(second.first?.properties.headers?["ce-source"] == .text("/leave-albumd"))
            #expect(second.first?.properties.headers?["ce-subject"] == .text("e-1"))
            await harness.end()
        }
    }
}

extension DaemonHarness {
    /// Puts other settings after the usual ones, and waits until the daemon has taken them over.
    fileprivate func changeSettings(_ lines: String) async throws {
        let file = directory.file("d.toml")
        let text = try String(contentsOf: file, encoding: .utf8)
        try directory.write("d.toml", text.replacingOccurrences(of: "# none", with: lines))
        daemon?.signal(SIGHUP)
        try await eventually("the daemon has taken the settings over") {
            self.log.contains("messages.cloudevents")
        }
    }
}
