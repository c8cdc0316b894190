import CRabbitMQ
import JSON
import Jobs
import Secrets
import Threads

@testable import AMQP
@testable import Operations
@testable import Pipeline

/// Whatever headers a message has, they are read without harm, and what is written is read again as it was.
///
/// Input: properties and headers by `FuzzedMessage`, then the body.
enum LetterProperty {
    private static let prefix = "q"

    static func findings(_ bytes: [UInt8]) -> [String] {
        var input = FuzzInput(bytes)
        let reason = Reason.allCases[input.choice(of: Reason.allCases.count)]
        let detail = input.flag() ? input.text(atMost: 255) : nil
        let message = FuzzedMessage.make(&input, queue: "\(prefix).due")
        var findings = Findings()
        checkIntake(message, &findings)
        checkStamp(message, &findings)
        checkCopy(message, &findings)
        checkLetter(message, reason, detail, &findings)
        checkRedrive(DeadLetter(message), &findings)
        return findings.sentences
    }

    private static func checkIntake(_ message: IncomingMessage, _ findings: inout Findings) {
        let intake = Intake(prefix: prefix)
        for lane in Lane.allCases {
            let moved = IncomingMessage(
                tag: message.tag, queue: lane.queue(prefix: prefix), exchange: "", routingKey: "",
                isRedelivered: false, properties: message.properties, body: message.body,
                receivedAt: message.receivedAt)
            let taken = intake.take(moved)
            findings.expect(taken.item.lane == lane, "a message of \(lane) came on \(taken.item.lane)")
            if !lane.carriesOwnHeaders {
                findings.expect(taken.item.stamp == Stamp(), "a publisher's headers were believed on \(lane)")
            }
        }
        _ = Intake.deathReason(message.properties.headers)
        checkTrace(Intake.trace(of: message.properties), &findings)
    }

    private static func checkTrace(_ trace: TraceContext, _ findings: inout Findings) {
        func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 } }
        findings.expect(trace.correlationID != "", "an empty correlation id")
        if let parent = trace.traceparent {
            findings.expect(parent.utf8.count == 55 && isPlain(parent), "a traceparent that is none")
        }
        if let state = trace.tracestate {
            findings.expect(trace.traceparent != nil, "a tracestate without its traceparent")
            findings.expect((1...512).contains(state.utf8.count) && isPlain(state), "a tracestate that no server takes")
        }
    }

    private static func checkStamp(_ message: IncomingMessage, _ findings: inout Findings) {
        let stamp = Stamp(reading: message.properties.headers)
        var headers = FieldTable()
        stamp.write(to: &headers)
        findings.expect(Stamp(reading: headers) == stamp, "a stamp that was written is read as another")
        findings.expect(WireTable.roundTrip(headers) == headers, "a stamp is another after the wire")
    }

    private static func checkCopy(_ message: IncomingMessage, _ findings: inout Findings) {
        let copy = CleanCopy.make(of: message.properties, ownPrefix: OwnHeader.prefix)
        let kept = copy.properties.headers ?? FieldTable()
        for field in kept.fields {
            let name = String(decoding: field.name, as: UTF8.self)
            let isForbidden =
                ["x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC"].contains(name)
                || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
                || field.name.starts(with: OwnHeader.prefix.utf8)
            findings.expect(!isForbidden, "a copy carries \(name)")
        }
        let clean = copy.properties
        findings.expect(
            clean.userID == nil && clean.expiration == nil && clean.priority == nil && clean.clusterID == nil
                && clean.deliveryMode == 2, "a copy carries a property that breaks a publish")
        let size = WireTable.size(kept)
        findings.expect(
            size.map { $0 <= CleanCopy.headerBudget + 4 } ?? false, "a copy's headers have \(size ?? -1) bytes")
        findings.expect(WireTable.roundTrip(kept) == kept, "headers are others after the wire")
    }

    private static func checkLetter(
        _ message: IncomingMessage, _ reason: Reason, _ detail: String?, _ findings: inout Findings
    ) {
        let stamp = Stamp(reading: message.properties.headers)
        let letter = Letter(
            message: message, jobID: nil, stamp: stamp, reason: reason, detail: detail, attempts: stamp.attempts,
            httpStatus: stamp.copy, apiStatus: detail == nil ? nil : "ABORTED", deadAt: Timestamp(milliseconds: 7))
        let copy = CleanCopy.make(of: message.properties, ownPrefix: OwnHeader.prefix)
        var properties = copy.properties
        var headers = properties.headers ?? FieldTable()
        letter.write(to: &headers, droppedHeaders: copy.droppedHeaders)
        properties.headers = WireTable.roundTrip(headers)
        let read = DeadLetter(
            IncomingMessage(
                tag: message.tag, queue: "\(prefix).dead", exchange: "", routingKey: "", isRedelivered: false,
                properties: properties, body: message.body, receivedAt: message.receivedAt))
        findings.expect(
            read.reason == reason.rawValue
                && (read.generation == stamp.generation || stamp.generation == OwnHeader.counts.upperBound)
                && read.attempts == stamp.attempts
                && read.isAmbiguous == stamp.isAmbiguous && read.httpStatus == stamp.copy
                && read.apiStatus == letter.apiStatus && read.deadAt == letter.deadAt && read.deliveries == 0,
            "a letter is read as another")
        let words = detail.map { String(decoding: $0.utf8.prefix(512), as: UTF8.self) }
        findings.expect(read.detail == words, "a letter's detail is read as another")
        let json = read.json.encoded()
        findings.expect((try? JSONValue.parse(json))?.encoded() == json, "a letter's JSON is none")
        checkRedrive(read, &findings)
    }

    private static func checkRedrive(_ letter: DeadLetter, _ findings: inout Findings) {
        let plan = RedrivePlan(letter, story: nil)
        findings.expect(!plan.words.isEmpty, "a plan without a word")
        if case .run(let generation) = plan {
            findings.expect(generation == letter.generation + 1, "a redrive of another generation")
            var next = Stamp()
            next.generation = generation
            var headers = FieldTable()
            next.write(to: &headers)
            findings.expect(Stamp(reading: headers) == next, "the worker would not believe generation \(generation)")
        }
        _ = DeadLetterFilter(reasons: [letter.reason]).matches(letter)
    }
}
