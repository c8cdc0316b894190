import AMQP
import Jobs
import Pipeline
import PipelineDouble
import Testing
import Threads

/// The trace of a job, from its message to the word of its end.
@Suite struct TraceTests {
    private static let id = "0af7651916cd43dd8448eb211c80319c"

    @Test(
        arguments: [
            ("00-\(id)-b7ad6b7169203331-01", id), ("01-\(id)-b7ad6b7169203331-01", id),
            ("cc-\(id)-b7ad6b7169203331-01-what-comes", id), ("00-\(id)-b7ad6b7169203331-01-more", nil),
            ("ff-\(id)-b7ad6b7169203331-01", nil), ("00-\(id.uppercased())-b7ad6b7169203331-01", nil),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", nil), ("00-\(id)-0000000000000000-01", nil),
            ("00-\(id)0-b7ad6b7169203331-01", nil), ("00-\(id)-b7ad6b7169203331", nil), (id, nil), ("", nil),
            ("---", nil),
            ("00-1-2-01", nil),
        ] as [(String, String?)])
    func onlyAWellFormedHeaderHasATrace(traceparent: String, expected: String?) {
        #expect(TraceContext(traceparent: traceparent).traceID == expected)
    }

    @Test func aMessageWithoutTheHeaderHasNone() {
        #expect(TraceContext().traceID == nil)
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
        for case .ended(let id, _, _, _, _, _, _, let traceID) in site.events { traces[id?.string ?? "-"] = traceID }
        #expect(traces == ["left": Self.id, "dead": Self.id, "rejected": Self.id, "plain": nil])
        await site.end()
    }
}
