import AMQP
import Clocks
import JSON
import PipelineHarness
import Secrets
import Testing

@testable import Jobs
@testable import Photos
@testable import Pipeline

/// What the result of a message that is no job says of it.
@Suite struct RejectedBodyTests {
    private static let intake = Intake(prefix: "p")

    private static func rejection(_ body: IncomingMessage.Body, queue: String = "p.jobs") -> Rejection? {
        var properties = Properties()
        properties.messageID = "m"
        let message = IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: queue, exchange: "", routingKey: "",
            isRedelivered: false,
            properties: properties, body: body, receivedAt: MonotonicTime(nanoseconds: 0))
        guard case .rejected(let rejection) = intake.take(message).item.content else { return nil }
        return rejection
    }

    @Test func aBodyOfWhichOnlyTheBeginningWasTakenInNamesItsJob() throws {
        func truncated(_ beginning: String) -> IncomingMessage.Body {
            .truncated(
                prefix: Array(beginning.utf8), size: 3 << 20, sha256: SHA256Digest(of: Array("all of it".utf8)))
        }
        let named = try #require(
            Self.rejection(truncated(#"{"jobId":"j","account":"anna","shareToken":"s3c","padding":"xxx"#)))
        #expect((named.reason, named.jobID, named.account) == (.bodyTooLarge, JobID("j"), AccountID("anna")))
        #expect(named.detail == "the body has 3145728 bytes; 65536 are allowed")
        let nameless = try #require(Self.rejection(truncated(#"{"padding":"xxx"#)))
        #expect((nameless.jobID, nameless.account) == (JobID("m"), nil))
        // A cancel message's own message-id is no job's.
        #expect(Self.rejection(truncated(#"{"padding":"xxx"#), queue: "p.cancel")?.jobID == nil)
    }

    @Test func theResultOfABodyThatIsNoJobNamesWhatCouldBeRead() async throws {
        let harness = try await Harness { _ in .ok }
        harness.begin()
        harness.submit("a", more: #","deadline":"tomorrow""#) { $0.messageID = "made-up" }
        await harness.advance { harness.resultCount == 1 }
        let result = try #require(harness.results.first)
        #expect((result.outcome, result.reason) == ("rejected", "malformed_job"))
        #expect(result.json["jobId"]?.text == "a" && result.json["account"]?.text != nil)
        await harness.end()
    }

    @Test func aMessageIDThatAClientMadeUpIsNotTheJobs() async throws {
        let harness = try await Harness { _ in .ok }
        harness.begin()
        harness.submit("a") { $0.messageID = "5f0c8a0e-54d5-4c8e-9a5c-0a6f6f0a5c11" }
        await harness.advance { harness.resultCount == 1 }
        #expect(harness.results.map(\.messageID) == ["a#0"] && harness.results.map(\.outcome) == ["left"])
        await harness.end()
    }
}
