import Clocks
import Concurrency
import HTTP
import JSON
import PrivateBroker
import ScriptedPeer
import SpanCollector
import Testing
import Tracing

@testable import OTLP

/// The exporter over real HTTP: against scripted peers, and against a reader that is not ours.
@Suite(.timeLimit(.minutes(30))) struct SpanExporterTests {
    /// What was reported, and who waits for it.
    private final class Report: Sendable {
        private let events = Lock<[ExportEvent]>([])
        private let signal = AsyncSignal()

        func take(_ event: ExportEvent) {
            events.withLock { $0.append(event) }
            signal.signal()
        }

        var all: [ExportEvent] { events.withLock { $0 } }
        var exported: Int { all.reduce(0) { if case .exported(let count) = $1 { $0 + count } else { $0 } } }
        var dropped: Int { all.reduce(0) { if case .dropped(let count) = $1 { $0 + count } else { $0 } } }

        /// The test's own time limit ends what never comes.
        func wait(until isSo: (Report) -> Bool) async {
            while true {
                let seen = signal.count
                if isSo(self) { return }
                await signal.wait(for: seen + 1)
            }
        }
    }

    private func withExporter(
        to url: String, fields: [HTTPField] = [], resource: TelemetryResource = TraceRequestTests.resource,
        _ body: (SpanExporter, Report) async throws -> Void
    ) async throws {
        let report = Report()
        let engine = try HTTPEngine(HTTPConfiguration(maxConnections: 1))
        let exporter = SpanExporter(
            ExporterConfiguration(url: url, fields: fields, resource: resource), engine: engine,
            clock: SystemTimeSource()
        ) { report.take($0) }
        let run = Task { await exporter.run() }
        do {
            try await body(exporter, report)
        } catch {
            Issue.record(error)
        }
        await exporter.finish(within: .seconds(120))
        await run.value
        await NativeThread.offload("end") { engine.stop() }
    }

    private func url(_ peer: RawPeer) -> String { "http://127.0.0.1:\(peer.port)/v1/traces" }
    private func spans(_ count: Int) -> [Span] { (1...count).map { TraceRequestTests.span(UInt64($0)) } }

    @Test func whoTakesNoSpansTakesSome() async throws {
        let bodies = Lock<[String]>([])
        let answers = ["200 OK", "401 Unauthorized", "503 Service Unavailable"]
        let peer = try RawPeer { connection in
            for answer in answers {
                let read = try connection.readRequest()
                bodies.withLock { $0.append(String(decoding: read.body, as: UTF8.self)) }
                try connection.answer(answer, body: Array("a word".utf8))
            }
        }
        let engine = try HTTPEngine(HTTPConfiguration(maxConnections: 1))
        var refusals: [String?] = []
        for _ in answers {
            let configuration = ExporterConfiguration(
                url: url(peer), fields: [HTTPField("x-key", "sesame")], resource: TraceRequestTests.resource)
            refusals.append(await SpanExporter.refusal(by: configuration, over: engine, at: SystemTimeSource().wall()))
        }
        #expect(refusals == [nil, "HTTP 401: a word", "HTTP 503: a word"])
        #expect(bodies.withLock { $0 } == Array(repeating: #"{"resourceSpans":[]}"#, count: 3))
        await NativeThread.offload("end") { engine.stop() }
        peer.stop()
    }

    @Test func aRequestIsWhatACollectorExpects() async throws {
        let request = Lock<HTTPPeerRequest?>(nil)
        let peer = try RawPeer { connection in
            let read = try connection.readRequest()
            request.withLock { $0 = read }
            try connection.answer(body: Array("{}".utf8))
        }
        try await withExporter(to: url(peer), fields: [HTTPField("x-key", "sesame")]) { exporter, report in
            exporter.take(spans(3))
            await report.wait { $0.exported == 3 }
            #expect(report.all == [.exported(3)])
        }
        let taken = try #require(request.withLock { $0 })
        #expect(taken.requestLine == "POST /v1/traces HTTP/1.1")
        #expect(taken.values(of: "content-type") == ["application/json"])
        #expect(taken.values(of: "x-key") == ["sesame"])
        #expect(taken.body == TraceRequest(spans(3), of: TraceRequestTests.resource).body)
        peer.stop()
    }

    /// Answers in this order, over whatever connections.
    private func peer(
        _ answers: [(status: String, body: String)], _ onBody: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) throws -> RawPeer {
        let count = Lock(0)
        return try RawPeer { connection in
            while true {
                let request = try connection.readRequest()
                onBody(request.body)
                let number = count.withLock { count in
                    defer { count += 1 }
                    return count
                }
                let answer = answers[min(number, answers.count - 1)]
                try connection.answer(answer.status, fields: ["Retry-After: 0"], body: Array(answer.body.utf8))
            }
        }
    }

    @Test func aBusyCollectorIsAskedAgainWithTheSame() async throws {
        let bodies = Lock<[[UInt8]]>([])
        let peer = try peer([("503 Service Unavailable", ""), ("429 Too Many Requests", ""), ("200 OK", "{}")]) {
            body in
            bodies.withLock { $0.append(body) }
        }
        try await withExporter(to: url(peer)) { exporter, report in
            exporter.take(spans(1))
            await report.wait { $0.exported == 1 }
            #expect(report.all == [.failing("HTTP 503"), .works, .exported(1)])
        }
        #expect(Set(bodies.withLock { $0 }).count == 1 && bodies.withLock { $0.count } == 3)
        peer.stop()
    }

    @Test func aRefusalAndRejectedSpansAreDroppedAndCounted() async throws {
        let peer = try peer([
            ("401 Unauthorized", "who are you"),
            ("200 OK", #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#),
        ])
        try await withExporter(to: url(peer)) { exporter, report in
            exporter.take(spans(2))
            await report.wait { $0.dropped == 2 }
            exporter.take(spans(3))
            await report.wait { $0.exported == 2 }
            await report.wait { $0.dropped == 3 }
            #expect(
                report.all == [
                    .failing("HTTP 401: who are you"), .dropped(2), .rejects("1 rejected: too old"), .exported(2),
                    .dropped(1),
                ])
        }
        peer.stop()
    }

    @Test func whatThereIsNoPlaceForIsDroppedWithoutWaiting() async throws {
        // Nobody runs it.
        let report = Report()
        let engine = try HTTPEngine(HTTPConfiguration(maxConnections: 1))
        let exporter = SpanExporter(
            ExporterConfiguration(url: "http://127.0.0.1:1/", resource: TraceRequestTests.resource), engine: engine,
            clock: SystemTimeSource()
        ) { report.take($0) }
        for _ in 0..<5 { exporter.take(spans(500)) }
        exporter.drop(7)
        #expect(report.all == [.dropped(452), .dropped(7)])
        await exporter.finish(within: .zero)
        #expect(report.all.last == .dropped(2_048))
        await NativeThread.offload("end") { engine.stop() }
    }

    @Test func theEndSendsWhatWaitsAndNoMore() async throws {
        let peer = try peer([("200 OK", "")])
        let report = Lock<Report?>(nil)
        try await withExporter(to: url(peer)) { exporter, made in
            report.withLock { $0 = made }
            exporter.take(spans(1_300))
        }
        #expect(report.withLock { $0 }?.exported == 1_300)
        peer.stop()
    }

    @Test func anEndThatIsNearDoesNotWaitForACollectorThatIsAway() async throws {
        let report = Report()
        let engine = try HTTPEngine(HTTPConfiguration(maxConnections: 1))
        let exporter = SpanExporter(
            ExporterConfiguration(url: "http://127.0.0.1:1/v1/traces", resource: TraceRequestTests.resource),
            engine: engine, clock: SystemTimeSource()
        ) { report.take($0) }
        let run = Task { await exporter.run() }
        exporter.take(spans(600))
        await report.wait { event in event.all.contains { if case .failing = $0 { true } else { false } } }
        // Sooner than the collector would be asked again, whenever that is.
        await exporter.finish(within: .zero)
        await run.value
        #expect(report.dropped == 600 && report.exported == 0)
        await NativeThread.offload("end") { engine.stop() }
    }

    @Test func protobufsOwnReaderFindsEverySpanAndEveryName() async throws {
        let directory = try TemporaryDirectory("spans")
        let collector = try await SpanCollector(in: directory)
        let parent = try #require(
            SpanContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        var span = Span(
            parent.child(), parent: parent, tracestate: "v=1", name: "POST /v1/sharedAlbums:leave", kind: .client,
            start: UnixTime(nanoseconds: 1_795_435_200_000_000_001),
            attributes: [
                SpanAttribute("http.request.method", "POST"), SpanAttribute("http.response.status_code", 503),
                SpanAttribute("leave_album.redelivered", true),
            ], links: [parent])
        span.end = UnixTime(nanoseconds: 1_795_435_200_000_000_777)
        span.add(Span.Event("claimed", at: UnixTime(nanoseconds: 1_795_435_200_000_000_100)))
        span.fail("503", "it is \"away\" – ü")
        let sent = span
        try await withExporter(to: collector.endpoint + "/v1/traces") { exporter, report in
            exporter.take([sent])
            await report.wait { $0.exported == 1 }
        }
        let read = try #require(try await collector.spans(atLeast: 1).first)
        #expect(read["trace"]?.text == "0af7651916cd43dd8448eb211c80319c")
        #expect(read["span"]?.text == sent.context.spanID.hexadecimal)
        #expect(read["parent"]?.text == "b7ad6b7169203331")
        #expect(read["kind"]?.text == "CLIENT" && read["state"]?.text == "v=1" && read["flags"]?.integer == 0x301)
        #expect(read["end"]?.integer == 1_795_435_200_000_000_777)
        #expect(read["attributes"]?["http.response.status_code"]?.integer == 503)
        #expect(read["attributes"]?["leave_album.redelivered"]?.bool == true)
        #expect(read["links"]?.elements?.first?["span"]?.text == "b7ad6b7169203331")
        #expect(read["failed"]?.bool == true && read["message"]?.text == "it is \"away\" – ü")
        #expect(
            read["schemas"]?.elements?.compactMap(\.text)
                == ["https://opentelemetry.io/schemas/1.40.0", "https://opentelemetry.io/schemas/1.40.0"])
        await collector.end()
    }
}
