import AMQP
import Clocks
import Jobs
import Testing

@testable import Messages

/// Events in headers: those of publishers, the worker's own, and those of results.
@Suite struct EventHeadersTests {
    private static func table(_ fields: (String, FieldValue)...) -> FieldTable {
        var table = FieldTable()
        for (name, value) in fields { table.append(name, value) }
        return table
    }

    private static func decode(_ table: FieldTable) -> Result<Job, Rejection>? {
        EventHeaders.attributes(in: table).map {
            EventDecoder.decode(
                body: Array(#"{"account":"ann","shareToken":"t"}"#.utf8), attributes: $0, contentType: nil,
                contentEncoding: nil, types: ["leave"])
        }
    }

    @Test(arguments: ["ce-", "cloudEvents:", "cloudEvents_"])
    func eachPrefixMakesAnEvent(prefix: String) throws {
        let table = Self.table(
            ("x", .integer(7)), (prefix + "id", .text("e-1")), (prefix + "source", .bytes(Array("/idm".utf8))),
            (prefix + "type", .text("leave")), (prefix + "specversion", .text("1.0")),
            (prefix + "subject", .integer(-7)), (prefix + "time", .timestamp(1_795_463_400)),
            (prefix + "dataschema", .table(FieldTable())), (prefix + "datacontenttype", .text("text/plain")),
            (prefix + "mine", .array([])), (prefix + "traceparent", .text("p")), (prefix + "tracestate", .void))
        let job = try #require(Self.decode(table)).get()
        #expect(job.id == JobID("e-1"))
        #expect(job.event?.subject == Array("-7".utf8) && job.event?.time == "2026-11-23T19:50:00.000Z")
        #expect(job.eventTrace.parent == "p" && job.eventTrace.state == nil)
    }

    @Test func withoutASpecversionItIsNoEvent() {
        #expect(EventHeaders.attributes(in: nil) == nil)
        #expect(EventHeaders.attributes(in: Self.table(("ce-id", .text("e")), ("CE-specversion", .text("1.0")))) == nil)
        let others = Self.table(("specversion", .text("1.0")), ("ce_specversion", .text("1.0")))
        #expect(EventHeaders.attributes(in: others) == nil)
    }

    @Test func attributesUnderSeveralPrefixesAreOneEvent() throws {
        var table = Self.table(
            ("ce-specversion", .text("1.0")), ("cloudEvents:specversion", .bytes(Array("1.0".utf8))),
            ("cloudEvents_id", .boolean(true)), ("ce-source", .text("/idm")), ("cloudEvents:type", .text("leave")),
            ("ce-time", .integer(1_795_463_400_000)), ("cloudEvents:time", .timestamp(1_795_463_400)))
        #expect(try #require(Self.decode(table)).get().id == JobID("true"))
        table.append("cloudEvents:source", .text("/other"))
        guard case .failure(let rejection)? = Self.decode(table) else {
            Issue.record("two sources are no job")
            return
        }
        #expect(rejection.reason == .malformedJob && rejection.detail.hasPrefix("source: "))
    }

    @Test(arguments: [
        FieldValue.double(1), .decimal(scale: 1, value: 1), .array([]), .table(FieldTable()), .timestamp(1), .void,
    ])
    func valuesThatAreNoTextAreRefusedByName(value: FieldValue) throws {
        let table = Self.table(
            ("ce-specversion", .text("1.0")), ("ce-id", .text("e")), ("ce-type", .text("leave")), ("ce-source", value))
        guard case .failure(let rejection)? = Self.decode(table) else {
            Issue.record("it is no source")
            return
        }
        #expect(rejection.reason == .malformedJob && rejection.detail.hasPrefix("source: it is "))
    }

    @Test func atimeBeyondEveryCalendarIsNone() throws {
        let table = Self.table(
            ("ce-specversion", .text("1.0")), ("ce-id", .text("e")), ("ce-type", .text("leave")),
            ("ce-source", .text("/idm")), ("ce-time", .timestamp(.max)))
        guard case .failure(let rejection)? = Self.decode(table) else {
            Issue.record("it is no time")
            return
        }
        #expect(rejection.detail.hasPrefix("time: "))
    }

    // MARK: Own headers

    private static let context = EventContext(
        id: Array("e-1".utf8), source: Array("/idm".utf8), type: Array("leave".utf8), subject: Array("ü".utf8),
        time: "2026-11-23T19:50:00Z")

    @Test func aCopySaysWhatTheEventSaid() {
        var headers = JobHeaders()
        (headers.event, headers.isUnread, headers.copy) = (Self.context, true, 3)
        var table = FieldTable()
        headers.write(to: &table)
        #expect(table["x-leave-album-event-id"] == .text("e-1"))
        #expect(table["x-leave-album-event-subject"] == .text("ü"))
        #expect(JobHeaders(reading: table) == headers)
        // Half an event is none.
        table.fields.removeAll { $0.name == Array("x-leave-album-event-source".utf8) }
        #expect(JobHeaders(reading: table).event == nil)
    }

    @Test func onlyOfAnAcceptedEventTheMessageIDNamesTheJob() {
        var source = Properties()
        source.messageID = "made up"
        source.contentType = "application/cloudevents+json"
        #expect(CleanCopy.make(of: source).properties.messageID == "made up")
        let copy = CleanCopy.make(of: source, eventJobID: JobID("e-1")).properties
        #expect(copy.messageID == "e-1" && copy.contentType == "application/cloudevents+json")
    }

    @Test func whatTheEventSaidStandsOutsideOfTheBudgetOfTheOthers() {
        var source = Properties()
        let big = FieldValue.text(String(repeating: "b", count: 5000))
        source.headers = Self.table(("ce-specversion", .text("1.0")), ("big", big))
        let made = CleanCopy.make(of: source, eventJobID: JobID("e-1"))
        #expect(made.droppedHeaders && made.properties.headers?.fields.isEmpty == true)
        var table = made.properties.headers ?? FieldTable()
        var headers = JobHeaders()
        headers.event = Self.context
        headers.write(to: &table)
        #expect(JobHeaders(reading: table).event == Self.context)
    }

    private static func deadLetter(_ body: String, _ contentType: String?, _ headers: JobHeaders) -> DeadLetter {
        var table = FieldTable()
        headers.write(to: &table)
        var properties = Properties()
        (properties.contentType, properties.messageID, properties.headers) = (contentType, "e-1", table)
        return DeadLetter(
            reading: IncomingMessage(
                tag: DeliveryTag(generation: 1, number: 1), queue: "p.dead", exchange: "", routingKey: "",
                isRedelivered: false, properties: properties, body: .complete(Array(body.utf8)),
                receivedAt: MonotonicTime(nanoseconds: 0)))
    }

    @Test func aDeadLetterOfEitherModeIsReadAndGivenOutAgainAsTheEventThatItIs() {
        var headers = JobHeaders()
        headers.event = Self.context
        for (body, type) in [
            (#"{"account":"ann","shareToken":"t"}"#, "application/json"),
            (#"{"id":"e-1","account":"no","data":{"account":"ann","shareToken":"t"}}"#, "application/cloudevents+json"),
        ] {
            let deadLetter = Self.deadLetter(body, type, headers)
            #expect(deadLetter.jobID == JobID("e-1") && deadLetter.account == AccountID("ann"))
            #expect(deadLetter.event == Self.context)
            let redriven = deadLetter.redriven(asGeneration: 1)
            #expect(redriven.contentType == type && redriven.messageID == "e-1")
            #expect(JobHeaders(reading: redriven.headers).event == Self.context)
            #expect(JobHeaders(reading: deadLetter.relaid(by: "b").headers).event == Self.context)
        }
    }

    @Test func aDeadLetterThatWasNeverAJobIsNamedByTheEventAlone() {
        var headers = JobHeaders()
        headers.isUnread = true
        let structured = Self.deadLetter(
            #"{"id":"e-2","data":{"account":"ann"}}"#, "application/cloudevents+json", headers)
        #expect(structured.jobID == JobID("e-2") && structured.account == AccountID("ann"))
        #expect(Self.deadLetter("{}", "application/cloudevents+json", headers).jobID == nil)
    }

    // MARK: Results

    private static func result(_ outcome: Outcome, _ messageID: String, body: String = "{}") -> ResultMessage {
        ResultMessage(
            messageID: messageID, correlationID: nil, traceparent: nil, tracestate: nil, outcome: outcome,
            completedAt: Timestamp(milliseconds: 1_795_463_400_120), body: Array(body.utf8), isReplayed: true)
    }

    private static func headers(_ result: ResultMessage, _ binding: ResultEvents.Binding?) -> [String: FieldValue] {
        let publication = result.publication(
            under: QueueNames(prefix: "p"), as: binding.map { ResultEvents($0, source: "/here", type: "of.mine") })
        #expect(publication.body == result.body && publication.properties.contentType == "application/json")
        let fields = publication.properties.headers?.fields ?? []
        return Dictionary(uniqueKeysWithValues: fields.map { (String(decoding: $0.name, as: UTF8.self), $0.value) })
    }

    @Test func aResultIsAnEventInBinaryMode() {
        let result = Self.result(.left, "a:b/c#12")
        let replayed = ["x-leave-album-replayed": FieldValue.boolean(true)]
        #expect(Self.headers(result, nil) == replayed)
        for (binding, prefix) in [(ResultEvents.Binding.rabbitmq, "ce-"), (.amqp, "cloudEvents:")] {
            #expect(
                Self.headers(result, binding)
                    == replayed.merging([
                        prefix + "specversion": .text("1.0"), prefix + "id": .text("a:b/c#12"),
                        prefix + "source": .text("/here"), prefix + "type": .text("of.mine"),
                        prefix + "subject": .text("a:b/c"), prefix + "time": .text("2026-11-23T19:50:00.120Z"),
                    ]) { $1 })
        }
    }

    @Test func aRejectedOneHasNoTimeAndASubjectOnlyIfTheJobCouldBeRead() {
        let named = Self.headers(
            Self.result(.rejected, "rejected:00:malformed_job", body: #"{"jobId":"j"}"#), .rabbitmq)
        #expect(named["ce-subject"] == .text("j") && named["ce-time"] == nil)
        #expect(named["ce-id"] == .text("rejected:00:malformed_job"))
        #expect(Self.headers(Self.result(.rejected, "rejected:00:malformed_job"), .rabbitmq)["ce-subject"] == nil)
    }
}
