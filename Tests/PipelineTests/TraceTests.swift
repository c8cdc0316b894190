import AMQP
import Jobs
import PipelineDouble
import Testing
import Threads

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
        let site = try Site { _ in .ok }
        site.begin()
        site.submit("a") { $0.correlationID = "" }
        site.submit("b", more: #","version":9"#) { $0.correlationID = "" }
        await site.advance { site.resultCount == 2 }
        #expect(Set(site.broker.messages("results").map(\.properties.correlationID)) == ["a", "b"])
        await site.end()
    }

    @Test func theEndOfEachJobCarriesItsTrace() async throws {
        var options = Site.Options()
        options.strangers = ["nobody"]
        let site = try Site(options) { _ in .ok }
        site.begin()
        func traced(_ properties: inout Properties) {
            var headers = FieldTable()
            headers.append("traceparent", .text("00-\(Self.id)-b7ad6b7169203331-01"))
            properties.headers = headers
        }
        site.submit("left", traced)
        site.submit("dead", account: "nobody", traced)
        site.submit("rejected", more: #","version":9"#, traced)
        site.submit("plain")
        await site.advance { site.resultCount == 4 }
        var traces: [String: String?] = [:]
        for case .ended(let job) in site.events { traces[job.jobID?.string ?? "-"] = job.traceID }
        #expect(traces == ["left": Self.id, "dead": Self.id, "rejected": Self.id, "plain": nil])
        await site.end()
    }
}
