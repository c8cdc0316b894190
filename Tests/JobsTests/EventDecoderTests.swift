import Clocks
import Secrets
import Testing

@testable import JSON
@testable import Jobs

/// Jobs that come as CloudEvents, in both modes: which are jobs, and what the others are refused with.
@Suite struct EventDecoderTests {
    private static let types = ["com.example.leave", "org.example.offboard"]
    private static let job = #"{"account":"ann","shareToken":"t"}"#

    /// An event in structured mode. Of each attribute its JSON, or nothing.
    private static func event(_ changes: [String: String?] = [:], data: String? = job, more: String = "") -> [UInt8] {
        var attributes = [
            "specversion": #""1.0""#, "id": #""e-1""#, "source": #""/idm""#, "type": #""com.example.leave""#,
        ]
        for (name, value) in changes { attributes[name] = value }
        var members = attributes.sorted { $0.key < $1.key }.map { #""\#($0.key)":\#($0.value)"# }
        if let data { members.append(#""data":\#(data)"#) }
        return Array("{\(members.joined(separator: ","))\(more)}".utf8)
    }

    private static func structured(
        _ body: [UInt8], _ contentType: String = "application/cloudevents+json", encoding: String? = nil
    ) -> Result<Job, Rejection> {
        EventDecoder.decode(body: body, contentType: contentType, contentEncoding: encoding, types: types)
    }

    private static func attributes(_ changes: [EventAttributes.Name: EventAttributes.Value?] = [:]) -> EventAttributes {
        var values: [EventAttributes.Name: EventAttributes.Value] = [
            .specversion: .text(Array("1.0".utf8)), .id: .text(Array("e-1".utf8)),
            .source: .text(Array("/idm".utf8)), .type: .text(Array("com.example.leave".utf8)),
        ]
        for (name, value) in changes { values[name] = value }
        var attributes = EventAttributes()
        for name in EventAttributes.Name.allCases { if let value = values[name] { attributes.add(name, value) } }
        return attributes
    }

    private static func binary(
        _ changes: [EventAttributes.Name: EventAttributes.Value?] = [:], body: String = job,
        contentType: String? = "application/json", encoding: String? = nil
    ) -> Result<Job, Rejection> {
        EventDecoder.decode(
            body: Array(body.utf8), attributes: attributes(changes), contentType: contentType,
            contentEncoding: encoding, types: types)
    }

    private static func text(_ text: String) -> EventAttributes.Value { .text(Array(text.utf8)) }

    private func rejection(_ result: Result<Job, Rejection>) throws -> Rejection {
        guard case .failure(let rejection) = result else { throw Unexpected() }
        return rejection
    }

    private struct Unexpected: Error {}

    // MARK: Jobs

    @Test(arguments: [
        "application/cloudevents+json", "APPLICATION/CloudEvents+JSON", " application/cloudevents+json ; charset=UTF-8",
        "application/cloudevents+json; x=y; charset=\"utf-8\"", "application/cloudevents",
    ])
    func anEventInStructuredModeIsTheJobOfItsData(contentType: String) throws {
        #expect(EventDecoder.isStructured(contentType))
        let job = try Self.structured(
            Self.event(
                ["subject": #""users/7""#, "time": #""2026-11-23T19:50:00+01:00""#, "dataschema": "7", "other": "{}"],
                data: #"{"account":"ann","shareToken":"t","metadata":{"k":"v"},"unknown":1e999}"#), contentType
        ).get()
        #expect(job.id == JobID("e-1") && job.account == AccountID("ann"))
        #expect(job.metadata.count == 1)
        #expect(
            job.event
                == EventContext(
                    id: Array("e-1".utf8), source: Array("/idm".utf8), type: Array("com.example.leave".utf8),
                    subject: Array("users/7".utf8), time: "2026-11-23T19:50:00+01:00"))
    }

    @Test func anEventInBinaryModeIsTheJobOfItsBody() throws {
        let job = try Self.binary([.type: Self.text("org.example.offboard"), .subject: Self.text("s")]).get()
        #expect(job.id == JobID("e-1") && job.event?.subject == Array("s".utf8) && job.event?.time == nil)
        #expect(try Self.binary(contentType: nil).get().account == AccountID("ann"))
    }

    @Test func theJobIDOfTheDataGoesBeforeTheEventsWhichThenMayBeAnything() throws {
        let data = #"{"jobId":"j-1","account":"ann","shareToken":"t"}"#
        #expect(try Self.structured(Self.event(["id": #""über #1""#], data: data)).get().id == JobID("j-1"))
        #expect(try Self.binary([.id: Self.text("über #1")], body: data).get().id == JobID("j-1"))
        let odd = try rejection(Self.structured(Self.event(["id": #""über #1""#])))
        #expect(odd.reason == .malformedJob && odd.detail.hasPrefix("id: the character at byte 0"))
        #expect(odd.jobID == nil && odd.event?.id == Array("über #1".utf8))
        #expect(try rejection(Self.binary([.id: Self.text("a b")])).detail.hasPrefix("id: "))
        let long = String(repeating: "i", count: 129)
        #expect(try rejection(Self.binary([.id: Self.text(long)])).reason == .malformedJob)
        // One that is there and broken is not replaced.
        let broken = try rejection(Self.binary(body: #"{"jobId":"a b","account":"ann","shareToken":"t"}"#))
        #expect(broken.detail.hasPrefix("jobId: ") && broken.jobID == nil)
    }

    @Test func nullIsAbsentAndSoIsEmptyTextWhereItMayBe() throws {
        let body = Self.event([
            "subject": "null", "time": "null", "datacontenttype": "null", "data_base64": "null", "traceparent": "null",
        ])
        #expect(try Self.structured(body).get().event?.subject == nil)
        #expect(try Self.structured(Self.event(["subject": #""""#])).get().event?.subject == nil)
        #expect(try rejection(Self.structured(Self.event(["id": "null"]))).detail == "id: it is missing")
    }

    @Test func theContentTypeOfTheDataObeysItsRule() throws {
        for type in ["application/json", "Application/JSON; charset=UTF-8", ""] {
            _ = try Self.structured(Self.event(["datacontenttype": "\"\(type)\""])).get()
        }
        for type in ["text/plain", "application/json;charset=latin1", "application/vnd.x+json"] {
            let refused = try rejection(Self.structured(Self.event(["datacontenttype": "\"\(type)\""])))
            #expect(refused.reason == .unsupportedContent && refused.detail.hasPrefix("datacontenttype: "))
            #expect(refused.jobID == JobID("e-1") && refused.account == AccountID("ann"))
        }
        #expect(try rejection(Self.binary(contentType: "text/plain")).reason == .unsupportedContent)
        #expect(try rejection(Self.binary(encoding: "gzip")).reason == .unsupportedContent)
        #expect(
            try rejection(Self.structured(Self.event(["datacontenttype": "7"]))).detail
                == "datacontenttype: it is an integer where text belongs")
    }

    // MARK: Times

    @Test(arguments: [
        (EventAttributes.Value.text(Array("2026-11-23t19:50:00.1z".utf8)), "2026-11-23t19:50:00.1z"),
        (.moment(Timestamp(milliseconds: 1_795_463_400_000)), "2026-11-23T19:50:00.000Z"),
        (.integer(1_795_463_400_120), "2026-11-23T19:50:00.120Z"),
    ])
    func aTimeIsEchoedAsItWasWrittenOrAsTheMomentThatItIs(value: EventAttributes.Value, echo: String) throws {
        #expect(try Self.binary([.time: value]).get().event?.time == echo)
    }

    @Test(arguments: [
        EventAttributes.Value.text(Array("2026-11-23 19:50:00Z".utf8)), .text(Array("".utf8)), .boolean(true),
        .integer(-1), .integer(.max), .moment(Timestamp(milliseconds: .max)), .other("a table"), .text([0x32, 0xFF]),
    ])
    func whatIsNoTimeIsRefused(value: EventAttributes.Value) throws {
        let refused = try rejection(Self.binary([.time: value]))
        #expect(refused.reason == .malformedJob && refused.detail.hasPrefix("time: "))
        #expect(refused.event?.time == nil && refused.event?.source == Array("/idm".utf8))
    }

    // MARK: Refusals

    @Test(arguments: ["specversion", "id", "source", "type"])
    func whatEveryEventHasMustBeThere(name: String) throws {
        for (value, fault) in [
            (nil, "it is missing"), (#""""#, "it is empty"), ("7", "it is an integer where text belongs"),
            (#""a\u0007b""#, "it holds a control character"), ("[]", "it is an array where text belongs"),
        ] {
            let refused = try rejection(Self.structured(Self.event([name: value])))
            #expect(refused.reason == .malformedJob && refused.detail == "\(name): \(fault)")
            #expect(refused.account == AccountID("ann"))
        }
        let attribute = try #require(EventAttributes.Name(rawValue: name))
        #expect(try rejection(Self.binary([attribute: .none])).detail == "\(name): it is missing")
        #expect(try rejection(Self.binary([attribute: Self.text("")])).detail == "\(name): it is empty")
        #expect(try rejection(Self.binary([attribute: .text([0xC3])])).detail == "\(name): it is not valid UTF-8")
    }

    @Test func otherVersionsAreNotRead() throws {
        for version in ["0.3", "1.1", "1", "1.0 "] {
            let refused = try rejection(Self.structured(Self.event(["specversion": "\"\(version)\""])))
            #expect(refused.reason == .malformedJob && refused.detail == "specversion: only 1.0 is supported")
        }
        #expect(try rejection(Self.binary([.specversion: .integer(1)])).detail == "specversion: only 1.0 is supported")
    }

    @Test func aTypeThatIsNotListedHasAReasonOfItsOwnAndNamesTheEvent() throws {
        for refused in [
            try rejection(Self.structured(Self.event(["type": #""com.example.Leave""#], data: nil))),
            try rejection(Self.binary([.type: Self.text("com.example.Leave")], body: "\u{1}", contentType: "x/y")),
        ] {
            #expect(refused.reason == .unsupportedEventType && refused.jobID == JobID("e-1"))
            #expect(refused.event?.id == Array("e-1".utf8) && refused.event?.source == Array("/idm".utf8))
            #expect((refused.reason.outcome, refused.reason.next) == (.rejected, .fixRequest))
        }
    }

    @Test(arguments: [
        "application/cloudevents-batch+json", "application/cloudevents-batch+json; charset=utf-8",
        "application/cloudevents+xml", "application/cloudevents+avro", "application/cloudeventsx",
        "application/cloudevents+json; charset=latin1", "application/cloudevents+json; charset",
    ])
    func otherFormatsAreNotRead(contentType: String) throws {
        #expect(EventDecoder.isStructured(contentType))
        let refused = try rejection(Self.structured(Self.event(), contentType))
        #expect(refused.reason == .unsupportedContent && refused.detail.hasPrefix("content-type: "))
        #expect(try rejection(Self.structured(Self.event(), encoding: "gzip")).reason == .unsupportedContent)
    }

    @Test(arguments: [nil, "", "application/json", "application/cloudevent", "text/plain", "xapplication/cloudevents"])
    func otherContentTypesAreNoEvents(contentType: String?) {
        #expect(!EventDecoder.isStructured(contentType))
    }

    @Test func theDataMustBeTheJob() throws {
        for (body, detail) in [
            (Self.event(data: nil), "data: it is missing"),
            (Self.event(data: "null"), "data: it is null where an object belongs"),
            (Self.event(data: #""{}""#), "data: it is a string where an object belongs"),
            (Self.event(data: "[\(Self.job)]"), "data: it is an array where an object belongs"),
            (
                Self.event(data: nil, more: #","data_base64":"e30=""#),
                "data_base64: the job must be a JSON object in data"
            ),
            (Self.event(more: #","data_base64":"e30=""#), "data_base64: the job must be a JSON object in data"),
            (
                Self.event(data: #"{"account":7,"shareToken":"t"}"#),
                "data.account: it is an integer where a string belongs"
            ),
            (
                Self.event(data: #"{"account":"ann","shareToken":"t","metadata":{"k":1}}"#),
                "data.metadata.k: it is an integer where a string belongs"
            ),
        ] {
            let refused = try rejection(Self.structured(body))
            #expect(refused.reason == .malformedJob && refused.detail == detail)
        }
        let version = try rejection(
            Self.structured(Self.event(data: #"{"version":2,"account":"ann","shareToken":"t"}"#)))
        #expect(version.reason == .unsupportedVersion && version.detail.hasPrefix("data.version: "))
        let twice = try rejection(Self.structured(Self.event(more: #","data":\#(Self.job)"#)))
        #expect(twice.reason == .malformedJob && twice.detail.hasPrefix("the body: "))
        let attributeTwice = try rejection(Self.structured(Self.event(more: #","id":"e-2""#)))
        #expect(attributeTwice.reason == .malformedJob && attributeTwice.event == nil)
        #expect(
            try rejection(Self.structured(Array("[]".utf8))).detail
                == "the body: it is an array where an event belongs")
        #expect(try rejection(Self.structured([0xEF, 0xBB, 0xBF] + Self.event())).reason == .malformedJob)
    }

    @Test func whatIsEchoedHasABoundTogether() throws {
        func body(_ subject: Int) -> [UInt8] {
            Self.event(["subject": "\"\(String(repeating: "s", count: subject))\""])
        }
        // With e-1 and /idm.
        #expect(try Self.structured(body(2048 - 7)).get().event?.size == 2048)
        let refused = try rejection(Self.structured(body(2048 - 6)))
        #expect(refused.reason == .malformedJob && refused.detail.contains("2049 bytes; 2048 are allowed"))
        #expect(refused.event == nil, "no result is larger than those of events that are taken")
    }

    @Test func onePrefixMayRepeatAnotherAndNotContradictIt() throws {
        var same = Self.attributes([.time: Self.text("2026-11-23T19:50:00Z")])
        same.add(.id, .text(Array("e-1".utf8)))
        same.add(.time, .moment(Timestamp(milliseconds: 1_795_463_400_000)))
        same.add(.traceparent, Self.text("a"))
        same.add(.traceparent, Self.text("b"))
        let body = Array(Self.job.utf8)
        let job = try EventDecoder.decode(
            body: body, attributes: same, contentType: nil, contentEncoding: nil, types: Self.types
        ).get()
        #expect(job.eventTrace.parent == "a", "a trace makes no job fail")
        for (name, value) in [
            (EventAttributes.Name.id, "e-2"), (.source, "/other"), (.type, "org.example.offboard"), (.subject, "x"),
            (.time, "2026-11-23T19:50:01Z"), (.specversion, "0.3"),
        ] {
            var other = Self.attributes([.subject: Self.text("y"), .time: Self.text("2026-11-23T19:50:00Z")])
            other.add(name, Self.text(value))
            let refused = try rejection(
                EventDecoder.decode(
                    body: body, attributes: other, contentType: nil, contentEncoding: nil, types: Self.types))
            #expect(refused.reason == .malformedJob)
            #expect(refused.detail == "\(name.rawValue): it is there twice, with different values")
        }
    }

    @Test func anEventOfAnySizeIsReadAsFarAsItCanBe() throws {
        let filler = String(repeating: " ", count: 65_536)
        let whole = Self.event()
        let large = Array(whole.dropLast()) + Array(filler.utf8) + [UInt8(ascii: "}")]
        let refused = try rejection(Self.structured(large))
        #expect(refused.reason == .bodyTooLarge && refused.jobID == JobID("e-1") && refused.account == AccountID("ann"))
        #expect(refused.event?.source == Array("/idm".utf8))
        // Cut off within the data.
        let cut = Self.event(data: #"{"account":"ann","shareToken":""#)
        let truncated = EventDecoder.tooLarge(size: 3 << 20, beginning: cut[...], attributes: nil)
        #expect(truncated.reason == .bodyTooLarge && truncated.account == AccountID("ann"))
        let binary = EventDecoder.tooLarge(
            size: 3 << 20, beginning: Array(#"{"account":"ann","#.utf8)[...], attributes: Self.attributes())
        #expect(binary.jobID == JobID("e-1") && binary.event?.id == Array("e-1".utf8))
        #expect(try rejection(Self.binary(body: Self.job + filler)).reason == .bodyTooLarge)
    }

    // MARK: Copies

    @Test func anAcceptedEventIsReadByWhatItsCopySays() throws {
        let context = EventContext(id: Array("e-1".utf8), source: Array("/idm".utf8), type: nil)
        func copy(_ body: [UInt8], _ type: String?) throws -> Job {
            try EventDecoder.decode(
                accepted: context, body: body, attributes: nil, contentType: type, contentEncoding: nil,
                messageID: "e-1"
            ).get()
        }
        let binary = try copy(Array(Self.job.utf8), "application/json")
        #expect(binary.id == JobID("e-1") && binary.event == context)
        let structured = try copy(Self.event(["type": #""never.listed""#]), "application/cloudevents+json")
        #expect(structured.id == JobID("e-1") && structured.event == context)
        let named = try copy(
            Self.event(data: #"{"jobId":"j-1","account":"ann","shareToken":"t"}"#), "application/cloudevents+json")
        #expect(named.id == JobID("j-1"))
    }

    @Test func theLedgersFormGivesTheEventBack() {
        for context in [
            EventContext(id: Array("e\"1".utf8), source: Array("/ü".utf8), type: Array("t".utf8)),
            EventContext(
                id: [0x31], source: [0x2F], type: nil, subject: Array("s".utf8), time: "2026-11-23T19:50:00Z"),
        ] {
            #expect(EventContext(decoding: context.encoded()) == context)
        }
        #expect(EventContext(decoding: Array("{}".utf8)) == nil)
        #expect(EventContext(decoding: []) == nil)
    }
}
