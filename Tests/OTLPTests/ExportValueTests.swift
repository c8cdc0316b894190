import Clocks
import HTTP
import Testing
import Tracing

@testable import OTLP

private func at(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

@Suite struct SpanQueueTests {
    private func spans(_ count: Int) -> [Span] { (0..<count).map { TraceRequestTests.span(UInt64($0 + 1)) } }

    private func add(_ spans: [Span], at now: MonotonicTime, to queue: inout SpanQueue) -> String {
        let (isNews, dropped) = queue.add(spans, at: now)
        return "\(isNews ? "news" : "no news"), \(dropped) dropped"
    }

    @Test func aFirstSpanWaitsASecondForOthers() {
        var queue = SpanQueue()
        var added = ""
        #expect(queue.due(isEnding: false) == nil)
        added = add(spans(1), at: at(0), to: &queue)
        #expect(added == "news, 0 dropped")
        #expect(queue.due(isEnding: false) == at(1_000))
        added = add(spans(3), at: at(400), to: &queue)
        #expect(added == "no news, 0 dropped")
        #expect(queue.due(isEnding: false) == at(1_000))
        #expect(queue.due(isEnding: true) == at(0))
        #expect(queue.takeBatch().count == 4)
        #expect(queue.due(isEnding: true) == nil)
    }

    @Test func aFullBatchGoesAtOnceAndTheRestWithTheNext() {
        var queue = SpanQueue()
        var added = ""
        added = add(spans(511), at: at(0), to: &queue)
        #expect(added == "news, 0 dropped")
        added = add(spans(2), at: at(5), to: &queue)
        #expect(added == "news, 0 dropped")
        #expect(queue.due(isEnding: false) == at(0))
        #expect(queue.takeBatch().map(\.context.spanID.bits).last == 1)
        #expect(queue.count == 1)
        #expect(queue.due(isEnding: false) == at(1_000))
    }

    @Test func whatDoesNotFitIsDropped() {
        var queue = SpanQueue()
        var added = ""
        added = add(spans(2_000), at: at(0), to: &queue)
        #expect(added == "news, 0 dropped")
        added = add(spans(100), at: at(1), to: &queue)
        #expect(added == "no news, 52 dropped")
        added = add(spans(1), at: at(2), to: &queue)
        #expect(added == "no news, 1 dropped")
        #expect(queue.count == SpanQueue.most)
        #expect((0..<4).map { _ in queue.takeBatch().count } == [512, 512, 512, 512])
        added = add(spans(1), at: at(3), to: &queue)
        #expect(added == "news, 0 dropped")
    }
}

@Suite struct ExportRetryTests {
    @Test func theWaitsDoubleUntilAMinuteIsOver() {
        var retry = ExportRetry(began: at(0))
        var now = at(0)
        var waits: [Double] = []
        while case .again(let next) = retry.failed(retryAfter: nil, at: now, random: 0) {
            waits.append((next - now).inSeconds)
            now = next
        }
        #expect(waits == [0.5, 1, 2, 4, 7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 7.5])
        #expect(retry.failed(retryAfter: nil, at: now, random: 0) == .giveUp(until: now))
    }

    @Test func theCollectorsOwnWaitIsKept() {
        var retry = ExportRetry(began: at(0))
        #expect(retry.failed(retryAfter: .seconds(20), at: at(1_000), random: 0) == .again(at: at(21_000)))
        #expect(retry.failed(retryAfter: .zero, at: at(21_000), random: 0) == .again(at: at(22_000)))
        // The batch would be too old by then; the next one waits all the same, though not for ever.
        #expect(retry.failed(retryAfter: .seconds(40), at: at(22_000), random: 0) == .giveUp(until: at(62_000)))
        #expect(retry.failed(retryAfter: .seconds(86_400), at: at(22_000), random: 0) == .giveUp(until: at(322_000)))
    }
}

@Suite struct ExportAnswerTests {
    private static let now = Timestamp(milliseconds: 1_795_435_200_000)

    private func answer(
        _ status: Int, _ body: String = "", fields: [HTTPField] = []
    ) -> ExportAnswer {
        ExportAnswer(
            .answered(HTTPResponse(status: status, fields: fields, body: Array(body.utf8))), at: Self.now)
    }

    @Test func whatIsTakenIsTaken() {
        #expect(answer(200, "{}") == .taken(rejected: 0, message: ""))
        #expect(answer(200) == .taken(rejected: 0, message: ""))
        #expect(answer(202, "no JSON") == .taken(rejected: 0, message: ""))
        #expect(answer(200, #"{"partialSuccess":{}}"#) == .taken(rejected: 0, message: ""))
    }

    @Test func rejectedSpansAreCountedAsAStringOrANumber() {
        #expect(
            answer(200, #"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too\u0007old"}}"#)
                == .taken(rejected: 3, message: "too old"))
        #expect(answer(200, #"{"partialSuccess":{"rejectedSpans":2}}"#) == .taken(rejected: 2, message: ""))
        #expect(answer(200, #"{"partialSuccess":{"rejectedSpans":"-1"}}"#) == .taken(rejected: 0, message: ""))
    }

    @Test(arguments: [429, 502, 503, 504])
    func someRefusalsMayPass(status: Int) {
        #expect(answer(status, "wait") == .later(detail: "HTTP \(status): wait", retryAfter: nil))
        #expect(
            answer(status, fields: [HTTPField("Retry-After", "7")])
                == .later(detail: "HTTP \(status)", retryAfter: .seconds(7)))
        #expect(
            answer(status, fields: [HTTPField("retry-after", "Mon, 23 Nov 2026 12:00:30 GMT")])
                == .later(detail: "HTTP \(status)", retryAfter: .seconds(30)))
        #expect(
            answer(status, fields: [HTTPField("Retry-After", "soon")])
                == .later(detail: "HTTP \(status)", retryAfter: nil))
    }

    @Test(arguments: [300, 400, 401, 403, 404, 408, 413, 500, 501])
    func allOthersDoNot(status: Int) {
        #expect(answer(status, "no") == .refused(detail: "HTTP \(status): no"))
    }

    @Test func withoutAnAnswerItIsTriedAgainUnlessNobodyCan() {
        func fault(_ kind: HTTPFaultKind) -> HTTPFault { HTTPFault(kind: kind, detail: "d") }
        for kind in HTTPFaultKind.allCases {
            let expected: ExportAnswer =
                switch kind {
                case .stopped: .stopped
                case .invalidRequest: .refused(detail: "invalid_request: d")
                default: .later(detail: "\(kind.rawValue): d", retryAfter: nil)
                }
            #expect(ExportAnswer(.notSent(fault(kind)), at: Self.now) == expected)
            #expect(ExportAnswer(.ambiguous(fault(kind)), at: Self.now) == expected)
        }
    }

    @Test func onlyChangesAreReported() {
        var health = ExportHealth()
        let answers: [(ExportAnswer, ExportEvent?)] = [
            (.taken(rejected: 0, message: ""), nil),
            (.later(detail: "a", retryAfter: nil), .failing("a")),
            (.refused(detail: "b"), nil),
            (.stopped, nil),
            (.taken(rejected: 0, message: ""), .works),
            (.taken(rejected: 2, message: "old"), .rejects("2 rejected: old")),
            (.taken(rejected: 1, message: ""), nil),
            (.refused(detail: "c"), .failing("c")),
            (.taken(rejected: 0, message: "mind the names"), .rejects("0 rejected: mind the names")),
            (.taken(rejected: 0, message: ""), .works),
        ]
        for (answer, event) in answers { #expect(health.note(answer) == event) }
    }
}
