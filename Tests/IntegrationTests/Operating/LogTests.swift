import AMQP
import Foundation
import JSON
import PrivateBroker
import Testing

extension OperatingOnABroker {
    /// What a running daemon writes.
    @Suite struct Log {
        private static let traceID = "0af7651916cd43dd8448eb211c80319c"

        /// Every line, read as the JSON that it has to be.
        private func lines(_ harness: DaemonHarness) async throws -> [JSONValue] {
            try await harness.logs.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
        }

        private func json(_ text: String) -> String {
            String(decoding: JSONValue.text(text).encoded(), as: UTF8.self)
        }

        @Test func aJobsEndIsOneLineWithWhatAnOperatorSearchesBy() async throws {
            let harness = try await DaemonHarness()
            // `auto`: a file is neither the journal nor a terminal, though the variable is there.
            try await harness.start(environment: [
                "LEAVE_ALBUMD_LOG_FORMAT": "auto", "JOURNAL_STREAM": "1:1",
            ])
            try await harness.publish(DaemonHarness.body("traced", account: "acc1", token: "album-1")) { properties in
                var headers = FieldTable()
                headers.append("traceparent", .text("00-\(Self.traceID)-b7ad6b7169203331-01"))
                properties.headers = headers
            }
            try await harness.publish(DaemonHarness.body("stranger", account: "nobody", token: "album-2"))
            try await harness.publish(Array(#"{"jobId":"broken"}"#.utf8))
            _ = try await harness.take("results", atLeast: 3)
            try await harness.stopInOrder()

            let ended = try await lines(harness).filter { $0["message"]?.text == "job ended" }
            #expect(ended.count == 3)
            let traced = try #require(ended.first { $0["job"]?.text == "traced" })
            #expect(traced["level"]?.text == "info" && traced["outcome"]?.text == "left")
            #expect(traced["account"]?.text == "acc1" && traced["attempts"]?.integer == 0)
            #expect(traced["trace_id"]?.text == Self.traceID)
            #expect(traced["reason"] == nil && traced["time_to_result_s"] != nil)
            let previous = try #require(ended.first { $0["job"]?.text == "stranger" })
            #expect(previous["level"]?.text == "warning" && previous["reason"]?.text == "credential_not_found")
            #expect(previous["trace_id"] == nil)
            #expect(ended.contains { $0["outcome"]?.text == "rejected" && $0["reason"]?.text == "malformed_job" })
            await harness.end()
        }

        /// Everything that may speak repeats what it was told: the API in its words, headers and reasons, a publisher
        /// in what it got wrong.
        @Test func noTokenAndNoAccountIsLoggedHoweverOthersRepeatThem() async throws {
            let harness = try await DaemonHarness(accounts: 1, settings: "[retry]\ndelays = [\"1s\"]\nmax_attempts = 2")
            let names = ["refused", "reason", "page", "busy", "odd", "left"]
            let accounts = names.map { "anna.\($0)@example.org" }
            let bearers = names.map { "ya29.A0bearer-of-\($0)-0123456789" }
            let shares = names.map { "album-share-of-\($0)-0123456789" }
            try harness.directory.write(
                "tokens", zip(accounts, bearers).map { "\($0)\t\($1)\n" }.joined() + "well1\twell-1\nwell2\twell-2\n")
            for index in names.indices {
                let echo = "\(accounts[index]) may not \(shares[index]) with Bearer \(bearers[index])"
                try await harness.control("tokens", #"{"token":"\#(bearers[index])","account":"\#(accounts[index])"}"#)
                let error =
                    #"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":\#(json(echo)),"details":"#
                    + #"[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":\#(json(bearers[index])),"#
                    + #""domain":"googleapis.com","metadata":{"a":\#(json(echo))}}]}}"#
                let answers = [
                    "refused": (400, #"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":\#(json(echo))}}"#),
                    "reason": (400, error), "page": (200, "<p>\(echo)"), "busy": (503, echo), "odd": (418, error),
                ]
                guard let (status, body) = answers[names[index]] else { continue }
                try await harness.faults(
                    #"{"account":"\#(accounts[index])","actions":[{"status":\#(status),"body":\#(json(body))}],"#
                        + #""fields":{"Retry-After":"\#(shares[index])","Server":"\#(bearers[index])"}}"#)
            }
            try await harness.start(environment: [
                "LEAVE_ALBUMD_LOG_FORMAT": "json", "LEAVE_ALBUMD_LOG_LEVEL": "trace",
                "LEAVE_ALBUMD_LOG_HASH_ACCOUNTS": "true",
            ])
            // The neighbours succeed, so that each refusal is the job's own.
            for number in 1...2 {
                try await harness.control("tokens", #"{"token":"well-\#(number)","account":"well\#(number)"}"#)
                try await harness.publish(
                    DaemonHarness.body("n\(number)", account: "well\(number)", token: "album-n\(number)"))
            }
            try await eventually("they have succeeded") { try await harness.depth("results") == 2 }
            for index in names.indices {
                try await harness.publish(
                    DaemonHarness.body("j\(index)", account: accounts[index], token: shares[index]))
            }
            // Tokens in places where they do not belong.
            let token = shares[0]
            let wrong = [
                #"{"jobId":"w1","account":"a","shareToken":["\#(token)"]}"#,
                #"{"jobId":"w2","account":"a","shareToken":"x","deadline":"\#(token)"}"#,
                #"{"jobId":"w3","account":"a","shareToken":"\#(token)","version":"\#(token)"}"#,
                #"{"jobId":"w4","shareToken":"\#(token)" "\#(token)"}"#, token,
            ]
            for body in wrong { try await harness.publish(Array(body.utf8)) }
            let count = names.count + wrong.count + 2
            _ = try await harness.take("results", atLeast: count)
            try await harness.stopInOrder()

            let lines = try await lines(harness)
            #expect(lines.filter { $0["message"]?.text == "job ended" }.count == count)
            #expect(lines.contains { $0["detail"]?.text?.contains("<redacted>") == true }, "the echoes came through")
            #expect(lines.contains { $0["message"]?.text == "called" && $0["verdict"] != nil })
            #expect(lines.allSatisfy { $0["code"]?.text?.contains(".swift:") == true })
            let reported = await harness.logs
            for secret in bearers + shares { #expect(!reported.contains(secret.prefix(16))) }
            for account in accounts { #expect(!reported.contains(account)) }
            #expect(reported.contains("sha256:"))
            await harness.end()
        }
    }
}
