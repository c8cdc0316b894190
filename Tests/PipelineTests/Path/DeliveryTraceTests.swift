import AMQP
import Clocks
import Concurrency
import Jobs
import Photos
import PipelineHarness
import Testing
import Tracing

@testable import Pipeline

/// The spans of deliveries, as trees: each line is a span, under its parent.
@Suite struct DeliveryTraceTests {
    private static let traceID = "0af7651916cd43dd8448eb211c80319c"
    private static let publisher = "b7ad6b7169203331"

    private static func traced(_ flags: String = "01") -> (inout Properties) -> Void {
        { properties in
            var headers = FieldTable()
            headers.append("traceparent", .text("00-\(traceID)-\(publisher)-\(flags)"))
            headers.append("tracestate", .text("v=1"))
            properties.headers = headers
        }
    }

    private static func options(
        _ spans: SpanRecorder, _ sampler: Sampler, keepFailures: Bool = false
    ) -> Harness.Options {
        var options = Harness.Options()
        options.spans = spans
        (options.sampler, options.keepFailures) = (sampler, keepFailures)
        return options
    }

    private static let always = Sampler(.always, isParentBased: true)
    private static let never = Sampler(.never, isParentBased: true)

    private static func text(_ value: FieldValue?) -> String? {
        guard case .string(let bytes)? = value else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func context(_ message: MiniBroker.Stored) -> SpanContext? {
        text(message.properties.headers?["traceparent"]).flatMap { SpanContext(traceparent: $0) }
    }

    // MARK: Trees

    @Test func aJobIsOneTreeUnderItsPublisher() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { _ in .ok }
        harness.begin()
        harness.submit("a", Self.traced())
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        #expect(
            spans.tree == [
                "process p.jobs CONSUMER under the publisher: ended left",
                "  POST /v1/sharedAlbums:leave CLIENT 200",
                "  send p.results:leave.left PRODUCER",
            ])
        #expect(spans.all.allSatisfy { $0.context.traceID.hexadecimal == Self.traceID && $0.context.isSampled })
        // What went out names the spans that sent it.
        let call = try #require(spans.all.first { $0.kind == .client })
        #expect(harness.photos.traces.map(\.traceparent) == [call.context.traceparent])
        #expect(harness.photos.traces.map(\.tracestate) == ["v=1"])
        let result = try #require(harness.broker.messages("results").first)
        let send = try #require(spans.all.first { $0.kind == .producer })
        #expect(Self.context(result)?.spanID == send.context.spanID)
        #expect(Self.text(result.properties.headers?["tracestate"]) == "v=1")
    }

    /// A job of which a copy of the result is wanted.
    private static func replied(_ copy: PublishOutcome) async throws -> (Harness, SpanRecorder) {
        let spans = SpanRecorder()
        var options = options(spans, always)
        options.replyToAllow = ["p.reply"]
        let harness = try await Harness(options) { _ in .ok }
        harness.broker.answer { $0.routingKey == "p.reply" ? copy : .confirmed }
        harness.begin()
        harness.submit("a") {
            traced()(&$0)
            $0.replyTo = "p.reply"
        }
        await harness.advance { spans.all.count == 4 }
        await harness.end()
        return (harness, spans)
    }

    @Test func aCopyForReplyToIsSentInASpanOfItsOwn() async throws {
        let (harness, spans) = try await Self.replied(.confirmed)
        #expect(
            spans.tree == [
                "process p.jobs CONSUMER under the publisher: ended left",
                "  POST /v1/sharedAlbums:leave CLIENT 200",
                "  send p.reply PRODUCER",
                "  send p.results:leave.left PRODUCER",
            ])
        // Each message names the span that sent it, and nothing else of the two differs.
        var copy = try #require(harness.broker.messages("reply").first)
        let result = try #require(harness.broker.messages("results").first)
        for (message, name) in [(copy, "send p.reply"), (result, "send p.results:leave.left")] {
            let span = try #require(spans.all.first { $0.name == name })
            #expect(Self.context(message)?.spanID == span.context.spanID)
            #expect(Self.text(message.properties.headers?["tracestate"]) == "v=1")
        }
        #expect(copy.body == result.body)
        #expect(
            copy.properties.headers?.fields.map(\.name).sorted { $0.lexicographicallyPrecedes($1) }
                == result.properties.headers?.fields.map(\.name).sorted { $0.lexicographicallyPrecedes($1) })
        copy.properties.headers = result.properties.headers
        #expect(copy.properties == result.properties)
    }

    @Test func aCopyForReplyToThatIsRefusedIsSaidInItsSpanAlone() async throws {
        let (_, spans) = try await Self.replied(.refused)
        #expect(
            spans.tree == [
                "process p.jobs CONSUMER under the publisher: ended left",
                "  POST /v1/sharedAlbums:leave CLIENT 200",
                "  send p.reply PRODUCER, failed: refused",
                "  send p.results:leave.left PRODUCER",
            ])
    }

    @Test func aJobWithoutATraceBeginsOne() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { _ in .ok }
        harness.begin()
        harness.submit("a")
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        let root = try #require(spans.all.first { $0.kind == .consumer })
        #expect(root.parent == nil)
        for case .ended(let job) in harness.events { #expect(job.traceID == root.context.traceID.hexadecimal) }
        let result = try #require(harness.broker.messages("results").first)
        #expect(Self.context(result)?.traceID == root.context.traceID)
    }

    @Test func whatIsTriedAgainIsCountedAndStaysOneTrace() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { $0.earlier < 3 ? .unavailable : .ok }
        harness.begin()
        harness.submit("a", Self.traced())
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        #expect(
            spans.tree == [
                "process p.jobs CONSUMER under the publisher: parked, failed: parked",
                "  POST /v1/sharedAlbums:leave CLIENT 503, failed: 503",
                "  POST /v1/sharedAlbums:leave CLIENT 503, again 1, failed: 503",
                "  send p.retry.5s PRODUCER",
                "    process p.due CONSUMER: ended left",
                "      GET /v1/sharedAlbums/{shareToken} CLIENT 400, failed: 400",
                "      POST /v1/sharedAlbums:leave CLIENT 503, again 2, failed: 503",
                "      POST /v1/sharedAlbums:leave CLIENT 200, again 3",
                "      send p.results:leave.left PRODUCER",
            ])
    }

    @Test func aQuestionHidesItsToken() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(
            Self.options(spans, Self.always), albums: { _ in .album(joined: false) }
        ) { _ in .ambiguous(detail: "reset") }
        harness.begin()
        harness.submit("a", token: "the-share-token")
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        let question = try #require(spans.all.first { $0.name.hasPrefix("GET") })
        #expect(question.name == "GET /v1/sharedAlbums/{shareToken}")
        #expect(question.text("url.full") == "https://api.example/v1/sharedAlbums/REDACTED")
        #expect(question.text("url.template") == "/v1/sharedAlbums/{shareToken}")
        #expect(question.text("server.address") == "api.example" && question.text("server.port") == "443")
        #expect(!"\(spans.all)".contains("the-share-token") && !"\(spans.all)".contains("bearer-"))
        let call = try #require(spans.all.first { $0.name.hasPrefix("POST") })
        #expect(call.text("error.type") == "no_answer")
    }

    @Test func aFailureHasItsDeadLetterInItsTree() async throws {
        let spans = SpanRecorder()
        var options = Self.options(spans, Self.always)
        options.strangers = ["nobody"]
        let harness = try await Harness(options) { _ in .ok }
        harness.begin()
        harness.submit("a", account: "nobody", Self.traced())
        harness.submit("b", more: #","version":9"#, Self.traced())
        await harness.advance { harness.resultCount == 2 }
        await harness.end()
        #expect(
            Set(spans.tree) == [
                "process p.jobs CONSUMER under the publisher: ended failed, failed: credential_not_found",
                "process p.jobs CONSUMER under the publisher: ended rejected, failed: unsupported_version",
                "  send p.results:leave.failed PRODUCER", "  send p.results:leave.rejected PRODUCER",
                "  send p.dead:credential_not_found PRODUCER", "  send p.dead:unsupported_version PRODUCER",
            ])
        for letter in harness.broker.messages("dead") {
            let context = Self.context(letter)
            #expect(spans.all.contains { $0.context.spanID == context?.spanID && $0.name.hasPrefix("send p.dead") })
        }
    }

    @Test func aReplayIsSentInASpanOfItsOwn() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { _ in .ok }
        harness.begin()
        harness.submit("a", Self.traced())
        await harness.advance { harness.resultCount == 1 }
        harness.submit("a", Self.traced())
        await harness.advance { harness.resultCount == 2 }
        await harness.end()
        let sends = spans.all.filter { $0.kind == .producer }
        #expect(sends.count == 2 && Set(sends.map(\.context.spanID)).count == 2)
        // The bytes are the same again, and so is what they say of their span.
        let carried = Set(harness.broker.messages("results").compactMap { Self.context($0)?.spanID })
        #expect(carried == [sends[0].context.spanID])
        #expect(sends[0].links == [] && sends[1].links.map(\.spanID) == [sends[0].context.spanID])
    }

    @Test func aRedeliveryIsLinkedToWhatItCameFrom() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { _ in .ok }
        harness.submit("a", Self.traced())
        // A worker had it, and its connection was lost.
        harness.broker.connect { _ in }
        harness.broker.consume(.everything)
        await harness.advance { harness.broker.unacked == 1 }
        harness.broker.disconnect()
        harness.begin()
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        let process = try #require(spans.all.first { $0.kind == .consumer })
        #expect(process.links.map(\.spanID.hexadecimal) == [Self.publisher])
        #expect(process.parent?.spanID.hexadecimal == Self.publisher)
        #expect(process.text("leave_album.redelivered") == "true")
    }

    @Test func aLostConnectionEndsItsSpans() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { _ in .ok }
        // Nobody works, so it waits.
        harness.pipeline.receive(
            IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 77), queue: "p.jobs", exchange: "p.jobs", routingKey: "leave",
                isRedelivered: false, properties: Properties(),
                body: .complete(Array(#"{"jobId":"w","account":"ann","shareToken":"t"}"#.utf8)),
                receivedAt: harness.clock.now()))
        #expect(spans.all == [])
        harness.pipeline.linkLost(generation: 1)
        #expect(spans.all.map(\.name) == ["process p.jobs:leave:p.jobs"])
        #expect(spans.all.first?.text("error.type") == "returned")
        await harness.end()
    }

    // MARK: Sampling

    @Test func theFlagOfThePublisherIsHonoured() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.always)) { _ in .ok }
        harness.begin()
        harness.submit("a", Self.traced("00"))
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        #expect(spans.all == [])
        // The trace goes on, and nobody is asked to record it.
        let result = try #require(harness.broker.messages("results").first)
        let context = try #require(Self.context(result))
        #expect(context.traceID.hexadecimal == Self.traceID && !context.isSampled)
        #expect(context.spanID.hexadecimal != Self.publisher)
    }

    @Test func aSampledParentIsFollowedWhereNothingElseIs() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.never)) { _ in .ok }
        harness.begin()
        harness.submit("a", Self.traced("01"))
        harness.submit("b")
        await harness.advance { harness.resultCount == 2 }
        await harness.end()
        #expect(spans.all.count == 3)
    }

    @Test func failuresAreKeptUntilItIsKnownThatTheyAre() async throws {
        let spans = SpanRecorder()
        var options = Self.options(spans, Self.never, keepFailures: true)
        options.maxAttempts = 3
        let harness = try await Harness(options) { $0.token == "t-bad" ? .unavailable : .ok }
        harness.begin()
        harness.submit("good")
        await harness.advance { harness.resultCount == 1 }
        #expect(spans.all == [])
        harness.submit("bad")
        await harness.advance { harness.resultCount == 2 }
        await harness.end()
        #expect(
            spans.tree == [
                "process p.jobs CONSUMER: parked, failed: parked",
                "  POST /v1/sharedAlbums:leave CLIENT 503, failed: 503",
                "  POST /v1/sharedAlbums:leave CLIENT 503, again 1, failed: 503",
                "  send p.retry.5s PRODUCER",
                "    process p.due CONSUMER: ended failed, failed: attempts_exhausted",
                "      GET /v1/sharedAlbums/{shareToken} CLIENT 400, failed: 400",
                "      POST /v1/sharedAlbums:leave CLIENT 503, again 2, failed: 503",
                "      send p.dead:attempts_exhausted PRODUCER",
                "      send p.results:leave.failed PRODUCER",
            ])
        #expect(spans.all.allSatisfy { !$0.context.isSampled })
        #expect(spans.places.count == 0)
    }

    @Test func withoutAPlaceToKeepThemTheSpansUnderAFailureAreCountedAsDropped() async throws {
        let spans = SpanRecorder(places: 1)
        var options = Self.options(spans, Self.never, keepFailures: true)
        options.maxAttempts = 1
        let harness = try await Harness(options) { _ in .unavailable }
        harness.begin()
        harness.submit("bad")
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        #expect(spans.all.count == 2 && spans.dropped == 2)
        #expect(spans.places.count == 0)
    }

    @Test func whatGivesItsPlaceToOthersIsNoFailure() async throws {
        let spans = SpanRecorder()
        let harness = try await Harness(Self.options(spans, Self.never, keepFailures: true)) { _ in .ok }
        harness.pipeline.pause(account: AccountID("ann"))
        harness.begin()
        harness.submit("a")
        await harness.pass(.seconds(600))
        _ = harness.pipeline.resume(account: AccountID("ann"))
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        #expect(spans.all == [])
        #expect(spans.places.count == 0)
    }

    // MARK: Off

    @Test func whereNobodyWantsSpansEverythingGoesOnAsItCame() async throws {
        let harness = try await Harness { $0.earlier < 2 ? .unavailable : .ok }
        harness.begin()
        harness.submit("a", Self.traced("00"))
        await harness.advance { harness.resultCount == 1 }
        await harness.end()
        let came = "00-\(Self.traceID)-\(Self.publisher)-00"
        #expect(Set(harness.photos.traces.map(\.traceparent)) == [came])
        #expect(Self.text(harness.broker.messages("results").first?.properties.headers?["traceparent"]) == came)
    }
}
