import AMQP
import Clocks
import JSON
import Jobs
import Messages
import Secrets
import Testing

@testable import Operations

/// What a follower of the results believes.
@Suite struct FollowedResultTests {
    private static func followed(
        _ body: [UInt8], messageID: String, headers: [(String, FieldValue)] = []
    ) -> FollowedResult? {
        var properties = Properties()
        properties.messageID = messageID
        properties.headers = FieldTable(headers.map { .init(name: Array($0.0.utf8), value: $0.1) })
        return FollowedResult(
            IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: "p.tail", exchange: "", routingKey: "",
                isRedelivered: false, properties: properties, body: .complete(body),
                receivedAt: MonotonicTime(nanoseconds: 0)))
    }

    @Test func aRejectionIsOfTheMessageWhoseDigestItNames() throws {
        let body = Array(#"{"version":2,"jobId":"j","account":"anna","shareToken":"t"}"#.utf8)
        let rejection = Rejection(.unsupportedVersion, "version: 2", jobID: JobID("j"))
        let id = JobResult.messageID(rejecting: SHA256Digest(of: body), for: .unsupportedVersion)
        let result = try #require(Self.followed(JobResult(rejecting: rejection).encoded(), messageID: id))
        #expect((result.jobID, result.outcome) == (JobID("j"), .rejected))
        #expect(result.rejects(body))
        // Another message with that job's id is not this one.
        #expect(!result.rejects(body + [0x20]))
    }

    @Test func aResultIsShownAsTheEventThatItCameAsOrAsTheSettingsWouldMakeIt() throws {
        let body =
            #"{"version":1,"jobId":"j","outcome":"left","effect":"left","attempts":0,"generation":0,"completedAt":"2026"}"#
        let settings = ResultEvents(.amqp, source: "/here", type: "of.mine")
        func shown(_ headers: (String, FieldValue)...) throws -> [String: String] {
            let result = try #require(Self.followed(Array(body.utf8), messageID: "j#0", headers: headers))
            let event = try JSONValue.parse(result.event(else: settings))
            #expect(event["data"] == result.json && event["datacontenttype"]?.text == "application/json")
            var attributes: [String: String] = [:]
            for member in event.members ?? [] {
                attributes[String(decoding: member.name, as: UTF8.self)] = member.value.text
            }
            attributes["datacontenttype"] = nil
            return attributes
        }
        #expect(
            try shown(("ce-id", .text("x"))) == [
                "specversion": "1.0", "id": "j#0", "source": "/here", "type": "of.mine", "subject": "j", "time": "2026",
            ])
        for prefix in ["ce-", "cloudEvents:"] {
            #expect(
                try shown((prefix + "specversion", .text("1.0")), (prefix + "id", .text("theirs")), ("x", .text("y")))
                    == ["specversion": "1.0", "id": "theirs"])
        }
    }

    @Test func whatIsNoResultToBeBelievedEndsNoJob() throws {
        let good =
            #"{"version":1,"jobId":"j","outcome":"left","effect":"left","attempts":0,"generation":0,"completedAt":"x"}"#
        #expect(Self.followed(Array(good.utf8), messageID: "j#0")?.outcome == .left)
        let bad = good.replacing(#""effect":"left""#, with: #""effect":"not_left""#)
        let result = try #require(Self.followed(Array(bad.utf8), messageID: "j#0"))
        #expect((result.jobID, result.outcome) == (nil, nil))
        #expect(result.json["outcome"]?.text == "left", "it is shown as it came")
    }
}
