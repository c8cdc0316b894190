import Jobs
import Testing

/// What goes on of a publisher's trace.
@Suite struct TraceContextTests {
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

    /// What goes on of a publisher's headers, to the call and to the result.
    @Test(
        arguments: [
            ("00-\(id)-b7ad6b7169203331-01", "k=v", "00-\(id)-b7ad6b7169203331-01", "k=v"),
            ("00-\(id)-b7ad6b7169203331-ff", nil, "00-\(id)-b7ad6b7169203331-ff", nil),
            // A later version goes on as what this one reads of it.
            ("cc-\(id)-b7ad6b7169203331-01-what-comes", "k=v", "cc-\(id)-b7ad6b7169203331-01", "k=v"),
            (
                "fe-\(id)-b7ad6b7169203331-01-" + String(repeating: "x", count: 20_000), "k=v",
                "fe-\(id)-b7ad6b7169203331-01", "k=v"
            ),
            ("cc-\(id)-b7ad6b7169203331-01.what", "k=v", nil, nil), ("ff-\(id)-b7ad6b7169203331-01", "k=v", nil, nil),
            ("00-\(id)-b7ad6b7169203331-0\u{e9}", "k=v", nil, nil), ("00_\(id)_b7ad6b7169203331_01", "k=v", nil, nil),
            (" 00-\(id)-b7ad6b7169203331-01", "k=v", nil, nil), ("", "k=v", nil, nil), (nil, "k=v", nil, nil),
        ] as [(String?, String?, String?, String?)])
    func onlyWhatIsATraceGoesOn(parent: String?, state: String?, parentOn: String?, stateOn: String?) {
        let context = TraceContext(traceparent: parent, tracestate: state)
        #expect((context.traceparent, context.tracestate) == (parentOn, stateOn))
    }

    private static let longest = "k=\(String(repeating: "v", count: 256)),l=\(String(repeating: "v", count: 251))"

    @Test(
        arguments: [
            ("a=1", true), ("a=1, b=2 ,\tc=3", true), ("a=1,,b=2", true), ("0tenant@sys-tem/x*_=a b!", true),
            (longest, true), (longest + "v", false), (String(repeating: "a=1,", count: 5_000), false), ("", false),
            (" , ", false), ("a", false), ("a=", false), ("=1", false), ("A=1", false), ("a=1=2", false),
            ("a b=1", false),
            ("a=1,a=2", false), ("a=\u{e9}", false), ("a=1\n", false), ("a=1\r\nX-Evil: 1", false), ("a=\u{7f}", false),
            ("k=\(String(repeating: "v", count: 257))", false), ("\(String(repeating: "k", count: 257))=v", false),
            ((0..<32).map { "k\($0)=1" }.joined(separator: ","), true),
            ((0..<33).map { "k\($0)=1" }.joined(separator: ","), false),
        ] as [(String, Bool)])
    func aStateThatNoServerTakesStaysBehind(state: String, isTaken: Bool) {
        let parent = "00-\(Self.id)-b7ad6b7169203331-01"
        let context = TraceContext(traceparent: parent, tracestate: state)
        #expect((context.traceparent, context.tracestate) == (parent, isTaken ? state : nil))
    }

    @Test func aMessageWithoutTheHeaderHasNone() {
        #expect(TraceContext().traceID == nil)
    }
}
