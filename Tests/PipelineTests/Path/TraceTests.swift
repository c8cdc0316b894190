import AMQP
import Clocks
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// The trace of a job, from its message to the word of its end.
@Suite struct TraceTests {
    private static let id = "0af7651916cd43dd8448eb211c80319c"

    @Test func headersOfOtherTypesAndAnEmptyCorrelationIDCountAsAbsent() {
        var properties = Properties()
        properties.correlationID = ""
        properties.headers = FieldTable()
        properties.headers?.append("traceparent", .integer(7))
        properties.headers?.append("tracestate", .text("k=v"))
        #expect(Intake.trace(of: properties) == TraceContext())
        properties.headers = FieldTable()
        properties.headers?.append("traceparent", .string([0x30, 0xFF]))
        #expect(Intake.trace(of: properties) == TraceContext())
        properties.correlationID = "the order"
        #expect(Intake.trace(of: properties).correlationID == "the order")
    }

    @Test func anEmptyCorrelationIDGivesTheResultTheJobs() async throws {
        let harness = try await Harness { _ in .ok }
        harness.begin()
        harness.submit("a") { $0.correlationID = "" }
        harness.submit("b", more: #","version":9"#) { $0.correlationID = "" }
        await harness.advance { harness.resultCount == 2 }
        #expect(Set(harness.broker.messages("results").map(\.properties.correlationID)) == ["a", "b"])
        await harness.end()
    }

    @Test func theEndOfEachJobCarriesItsTrace() async throws {
        var options = Harness.Options()
        options.strangers = ["nobody"]
        let harness = try await Harness(options) { _ in .ok }
        harness.begin()
        func traced(_ properties: inout Properties) {
            var headers = FieldTable()
            headers.append("traceparent", .text("00-\(Self.id)-b7ad6b7169203331-01"))
            properties.headers = headers
        }
        harness.submit("left", traced)
        harness.submit("dead", account: "nobody", traced)
        harness.submit("rejected", more: #","version":9"#, traced)
        harness.submit("plain")
        await harness.advance { harness.resultCount == 4 }
        var traces: [String: String?] = [:]
        for case .ended(let job) in harness.events { traces[job.jobID?.string ?? "-"] = job.traceID }
        #expect(traces == ["left": Self.id, "dead": Self.id, "rejected": Self.id, "plain": nil])
        await harness.end()
    }
}
