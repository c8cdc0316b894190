import CRabbitMQ
import Clocks
import JSON
import Messages
import Secrets

@testable import AMQP
@testable import Jobs
@testable import Operations
@testable import Photos
@testable import Pipeline

/// Whatever headers a message has, they are read without harm, and what is written is read again as it was.
///
/// Input: properties and headers by `FuzzedMessage`, then the body.
enum DeadLetterProperty {
    private static let prefix = "q"

    static func reports(_ bytes: [UInt8]) -> [String] {
        var input = FuzzInput(bytes)
        let reason = Reason.allCases[input.choice(of: Reason.allCases.count)]
        let detail = input.flag() ? input.text(atMost: 255) : nil
        let message = FuzzedMessage.make(&input, queue: QueueNames(prefix: prefix).queue(.due))
        var reports = Findings()
        checkIntake(message, &reports)
        checkHeaders(message, &reports)
        checkCopy(message, &reports)
        checkDeadLetter(message, reason, detail, &reports)
        checkRedrive(DeadLetter(reading: message), &reports)
        return reports.sentences
    }

    private static func checkIntake(_ message: IncomingMessage, _ reports: inout Findings) {
        let intake = Intake(prefix: prefix)
        for lane in Lane.allCases {
            let moved = IncomingMessage(
                tag: message.tag, queue: QueueNames(prefix: prefix).queue(lane), exchange: "", routingKey: "",
                isRedelivered: false, properties: message.properties, body: message.body,
                receivedAt: message.receivedAt)
            let taken = intake.take(moved)
            reports.expect(taken.item.lane == lane, "a message of \(lane) came on \(taken.item.lane)")
            if !lane.carriesOwnHeaders {
                reports.expect(taken.item.jobHeaders == JobHeaders(), "a publisher's headers were believed on \(lane)")
            }
        }
        _ = GivenUp(reading: message.properties.headers)
        checkTrace(Intake.trace(of: message.properties), &reports)
    }

    private static func checkTrace(_ trace: TraceContext, _ reports: inout Findings) {
        func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x09 } }
        reports.expect(trace.correlationID != "", "an empty correlation id")
        if let parent = trace.traceparent {
            reports.expect(parent.utf8.count == 55 && isPlain(parent), "a traceparent that is none")
        }
        if let state = trace.tracestate {
            reports.expect(trace.traceparent != nil, "a tracestate without its traceparent")
            reports.expect((1...512).contains(state.utf8.count) && isPlain(state), "a tracestate that no server takes")
        }
    }

    private static func checkHeaders(_ message: IncomingMessage, _ reports: inout Findings) {
        let headers = JobHeaders(reading: message.properties.headers)
        var table = FieldTable()
        headers.write(to: &table)
        reports.expect(JobHeaders(reading: table) == headers, "headers that were written are read as others")
        reports.expect(WireTable.roundTrip(table) == table, "headers are others after the wire")
    }

    private static func checkCopy(_ message: IncomingMessage, _ reports: inout Findings) {
        let copy = CleanCopy.make(of: message.properties)
        let kept = copy.properties.headers ?? FieldTable()
        for field in kept.fields {
            let name = String(decoding: field.name, as: UTF8.self)
            let isForbidden =
                ["x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC"].contains(name)
                || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
                || field.name.starts(with: JobHeaders.Name.prefix.utf8)
            reports.expect(!isForbidden, "a copy carries \(name)")
        }
        let clean = copy.properties
        reports.expect(
            clean.userID == nil && clean.expiration == nil && clean.priority == nil && clean.clusterID == nil
                && clean.deliveryMode == 2, "a copy carries a property that breaks a publish")
        let size = WireTable.size(kept)
        reports.expect(
            size.map { $0 <= CleanCopy.headerBudget + 4 } ?? false, "a copy's headers have \(size ?? -1) bytes")
        reports.expect(WireTable.roundTrip(kept) == kept, "headers are others after the wire")
    }

    private static func checkDeadLetter(
        _ message: IncomingMessage, _ reason: Reason, _ detail: String?, _ reports: inout Findings
    ) {
        let headers = JobHeaders(reading: message.properties.headers)
        let made = DeadLetter(
            message: message, jobID: nil, headers: headers, reason: reason, detail: detail, attempts: headers.attempts,
            httpStatus: headers.copy, apiStatus: detail == nil ? nil : "ABORTED", deadAt: Timestamp(milliseconds: 7))
        let copy = CleanCopy.make(of: message.properties)
        var properties = copy.properties
        var table = properties.headers ?? FieldTable()
        made.write(to: &table, droppedHeaders: copy.droppedHeaders)
        properties.headers = WireTable.roundTrip(table)
        let read = DeadLetter(reading: moved(message, to: QueueNames(prefix: prefix).deadLetters, properties))
        reports.expect(
            read.reason == reason.rawValue && read.headers == made.headers && read.attempts == made.attempts
                && read.httpStatus == made.httpStatus && read.apiStatus == made.apiStatus && read.deadAt == made.deadAt
                && read.account == made.account && read.message.properties.deliveryCount == 0,
            "a dead letter is read as another")
        reports.expect(
            read.generation == headers.generation || headers.generation == JobHeaders.counts.upperBound,
            "a dead letter is of another generation")
        let cut = detail.map { String(decoding: $0.utf8.prefix(512), as: UTF8.self) }
        reports.expect(read.detail == cut, "a dead letter's detail is read as another")
        let json = read.json.encoded()
        reports.expect((try? JSONValue.parse(json))?.encoded() == json, "a dead letter's JSON is none")
        checkRelaid(read, &reports)
        checkRedrive(read, &reports)
    }

    private static func checkRelaid(_ deadLetter: DeadLetter, _ reports: inout Findings) {
        let properties = deadLetter.relaid(by: "browser")
        let again = DeadLetter(reading: moved(deadLetter.message, to: deadLetter.message.queue, properties))
        reports.expect(again.browser == "browser", "a dead letter that is laid down anew does not name its browser")
        reports.expect(
            again.reason == deadLetter.reason && again.headers == deadLetter.headers
                && again.detail == deadLetter.detail && again.deadAt == deadLetter.deadAt,
            "a dead letter that is laid down anew is another")
    }

    private static func checkRedrive(_ deadLetter: DeadLetter, _ reports: inout Findings) {
        let now = Timestamp(milliseconds: 1_795_435_200_000)
        let plan = RedrivePlan(deadLetter, deadline: .lifted, history: nil, at: now)
        reports.expect(!plan.message.isEmpty, "a plan without a word")
        if case .late = plan { reports.expect(false, "late without a deadline") }
        if case .run(let generation, _) = plan {
            reports.expect(generation == deadLetter.generation + 1, "a redrive of another generation")
            let headers = JobHeaders(reading: deadLetter.redriven(asGeneration: generation).headers)
            reports.expect(headers.generation == generation, "the worker would not believe generation \(generation)")
            reports.expect(
                headers.isAmbiguous == deadLetter.isAmbiguous && headers.lane == deadLetter.headers.lane
                    && headers.copy == 0 && headers.attempts == 0, "a redrive says something else of the job's past")
        }
        _ = DeadLetterFilter(reasons: [deadLetter.reason]).matches(deadLetter)
    }

    private static func moved(
        _ message: IncomingMessage, to queue: String, _ properties: Properties
    ) -> IncomingMessage {
        IncomingMessage(
            tag: message.tag, queue: queue, exchange: "", routingKey: "", isRedelivered: false,
            properties: properties, body: message.body, receivedAt: message.receivedAt)
    }
}
