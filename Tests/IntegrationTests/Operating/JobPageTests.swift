import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// The page of a job, as the daemon gives it.
    @Suite struct JobPages {
        private static let trace = "0af7651916cd43dd8448eb211c80319c"
        private static let token = "a-secret-share-token"

        @Test func aJobThatFailedHasItsHistoryAtItsLink() async throws {
            let harness = try await DaemonHarness()
            try await harness.control(
                "albums", #"{"token":"\#(Self.token)","owner":"acc1","members":["acc1"]}"#)
            try await harness.start()
            // Where nothing has ever succeeded, a refusal may be everybody's.
            try await harness.publish(DaemonHarness.body("first", account: "acc2", token: "album-first"))
            _ = try await harness.take("results", atLeast: 1)
            let id = "offboarding/2026-11:7"
            try await harness.publish(DaemonHarness.body(id, account: "acc1", token: Self.token)) { properties in
                var table = FieldTable()
                table.append("traceparent", .text("00-\(Self.trace)-b7ad6b7169203331-01"))
                properties.headers = table
            }
            _ = try await harness.take("results", atLeast: 1)
            // Whoever reads the ledger may be a moment ahead of the confirmation that the result has.
            try await eventually("the page says how it ended") {
                try await harness.endpoint("/job?id=\(id)").text.contains("<h1 id=\"state\">Failed</h1>")
            }
            let page = try await harness.endpoint("/job?id=\(id)")
            #expect(page.status == 200)
            #expect(page.text.contains("acc1") && page.text.contains("<code class=\"id\">\(Self.trace)</code>"))
            let history = try await harness.command("job", id, "--json")
            let shown = try JSONValue.parse(Array(history.text.utf8))
            #expect(shown["traceId"]?.text == Self.trace)
            let hash = try #require(shown["tokenSha256"]?.text)
            #expect(!page.text.contains(Self.token) && !page.text.contains(hash))
            // The same lines as the command.
            for event in try #require(shown["events"]?.elements) {
                #expect(page.text.contains(try #require(event["detail"]?.text)))
            }
            let result = try #require(shown["results"]?.elements?.first)
            #expect(page.text.contains(try #require(result["body"]?["reason"]?.text)))
            #expect(try await harness.endpoint("/job?id=offboarding%2F2026-11%3A7").text.contains("Failed"))

            let unknown = try await harness.endpoint("/job?id=never-heard-of")
            #expect(unknown.status == 404 && unknown.text.contains("The ledger has nothing of this job."))
            let wrong = try await harness.endpoint("/job?id=%3Cscript%3E")
            #expect(wrong.status == 404 && wrong.text.contains("&lt;script&gt;"))
            #expect(try await harness.endpoint("/job").status == 200)
            await harness.end()
        }

        @Test func withoutAPageThereIsNoneOfAJob() async throws {
            let harness = try await DaemonHarness()
            try await harness.start(environment: ["LEAVE_ALBUMD_ADMIN_PAGE": "false"])
            #expect(try await harness.endpoint("/job?id=any").status == 404)
            #expect(try await harness.endpoint("/job?id=any").text == "there is nothing at this path\n")
            #expect(try await harness.endpoint("/").status == 404)
            await harness.end()
        }

        /// Nobody sets a limit here; what was called is counted all the same.
        @Test func theDayIsKnownWithoutALimit() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.publish(DaemonHarness.body("one", account: "acc1", token: "album-one"))
            _ = try await harness.take("results", atLeast: 1)
            try await eventually("the day's call is known") {
                let text = try await harness.endpoint("/status").text
                let status = try JSONValue.parse(Array(text.utf8))
                return status["quota"]?["limit"] == .integer(0) && status["quota"]?["spent"] == .integer(1)
            }
            await harness.end()
        }
    }
}
