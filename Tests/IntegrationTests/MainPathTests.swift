import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OnABroker {
    @Suite struct MainPath {
        @Test func aJobBecomesOneCallAndOneResult() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            try await harness.publish(
                DaemonHarness.body("one", account: "acc1", token: "album-one", more: #","metadata":{"k":"v"}"#)
            ) {
                $0.correlationID = "corr-1"
            }
            let results = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(results.map(\.messageID) == ["one#0"])
            #expect(results.first?.outcome == "left")
            #expect(results.first?.effect == "left")
            #expect(results.first?.json["metadata"]?["k"]?.text == "v")
            let calls = try harness.calls()
            #expect(calls.map(\.effect) == ["left"])
            await harness.end()
        }

        @Test func aDuplicateAfterTheResultGetsTheSameBytesAgain() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            let body = DaemonHarness.body("dup", account: "acc1", token: "album-dup")
            try await harness.publish(body)
            let first = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            try await harness.publish(body)
            let second = try await harness.take("results", atLeast: 1).map(ReadResult.init)
            #expect(first.map(\.body) == second.map(\.body))
            #expect(first.map(\.messageID) == second.map(\.messageID))
            #expect(first.map(\.isReplayed) == [false])
            #expect(second.map(\.isReplayed) == [true])
            #expect(try harness.calls().count == 1)
            await harness.end()
        }

        @Test func badInputGetsAReasonADeadLetterAndARejectedResult() async throws {
            let harness = try await DaemonHarness()
            try await harness.start()
            let big = [UInt8](repeating: UInt8(ascii: " "), count: 70_000)
            let rows: [(body: [UInt8], reason: String, adjust: @Sendable (inout Properties) -> Void)] = [
                (Array("{".utf8), "malformed_job", { _ in }),
                (Array(#"{"jobId":"x","account":7,"shareToken":"t"}"#.utf8), "malformed_job", { _ in }),
                (
                    Array(#"{"version":2,"jobId":"x","account":"a","shareToken":"t"}"#.utf8), "unsupported_version",
                    { _ in }
                ),
                (
                    DaemonHarness.body("x", account: "a", token: "t"), "unsupported_content",
                    { $0.contentType = "text/xml" }
                ),
                (
                    DaemonHarness.body("x", account: "a", token: "u"), "unsupported_content",
                    { $0.contentEncoding = "gzip" }
                ),
                (Array(#"{"account":"a","shareToken":"t"}"#.utf8), "job_id_missing", { _ in }),
                (Array(#"{"jobId":7,"account":"a","shareToken":"v"}"#.utf8), "malformed_job", { $0.messageID = "y" }),
                (big, "body_too_large", { _ in }),
                ([UInt8](repeating: 0x20, count: 3 << 20), "body_too_large", { _ in }),
            ]
            for row in rows { try await harness.publish(row.body, row.adjust) }
            try await harness.publish(DaemonHarness.body("same", account: "acc1", token: "album-1"))
            try await eventually("the first of the two is done") {
                try await harness.depth("results") == rows.count + 1
            }
            try await harness.publish(DaemonHarness.body("same", account: "acc2", token: "album-1"))
            let results = try await harness.take("results", atLeast: rows.count + 2).map(ReadResult.init)
            let reasons = results.compactMap(\.reason).sorted()
            #expect(reasons == (rows.map(\.reason) + ["job_id_conflict"]).sorted())
            #expect(results.filter { $0.outcome == "rejected" }.allSatisfy { $0.messageID.hasPrefix("rejected:") })
            let deadLetters = try await harness.take("dead", atLeast: rows.count + 1)
            #expect(deadLetters.count == rows.count + 1)
            #expect(try harness.calls().count == 1)
            await harness.end()
        }
    }
}
