import Clocks
import Ledger
import Messages
import Secrets
import Testing

@testable import AMQP
@testable import Jobs
@testable import Photos
@testable import Pipeline

/// Without a publisher's headers every message of the worker's fits the smallest frame that a broker may ask for, so
/// that nothing a publisher writes can hold the worker.
@Suite struct FrameSizeTests {
    private static let longest = String(repeating: "x", count: 255)

    private func fault(_ publication: Publication) -> String? {
        var frames = OutgoingFrames(channel: 1, frameMax: 4096)
        return PublishingBehaviour.fault(in: publication) ?? frames.fault(in: publication, CArena())
    }

    @Test func theLargestDeadLetterFits() {
        var properties = Properties()
        properties.contentType = Self.longest
        properties.contentEncoding = Self.longest
        properties.messageID = Self.longest
        properties.correlationID = Self.longest
        properties.type = Self.longest
        properties.appID = Self.longest
        properties.replyTo = Self.longest
        properties.timestamp = .max
        var headers = JobHeaders()
        (headers.copy, headers.attempts, headers.isAmbiguous, headers.generation) = (.max, .max, true, .max)
        (headers.suspect, headers.refusals, headers.mustQueryAlbum) = (.max, .max, true)
        (headers.notBefore, headers.firstSeen) = (Timestamp(milliseconds: .max), Timestamp(milliseconds: .max))
        let message = IncomingMessage(
            tag: DeliveryTag(generation: 1, number: 1), queue: "q", exchange: "", routingKey: "", isRedelivered: false,
            properties: properties, body: .truncated(prefix: [], size: .max, sha256: SHA256Digest(of: [])),
            receivedAt: at(0))
        for lane in Lane.allCases {
            headers.lane = lane
            for reason in Reason.allCases {
                let deadLetter = DeadLetter(
                    message: message, jobID: nil, headers: headers, reason: reason,
                    detail: String(repeating: "d", count: 600), attempts: .max, httpStatus: .max,
                    // No status of the API's is as long.
                    apiStatus: String(repeating: "S", count: 64), deadAt: Timestamp(milliseconds: .max))
                var made = CleanCopy.make(of: properties).withoutHeaders.properties
                deadLetter.write(to: &made.headers!, droppedHeaders: true)
                let publication = Publication(
                    exchange: Self.longest, routingKey: Self.longest, properties: made, body: [])
                #expect(fault(publication) == nil)
                // A copy of the message.
                made.headers = FieldTable()
                headers.write(to: &made.headers!)
                let copy = Publication(exchange: "", routingKey: Self.longest, properties: made, body: [])
                #expect(fault(copy) == nil)
            }
        }
    }

    @Test func aStoredResultWithALongerCorrelationIDGoesOut() {
        let result = StoredResult(
            messageID: "job#0", outcome: .left, reason: nil, body: [],
            correlationID: String(repeating: "\u{FFFD}", count: 255), traceparent: nil, tracestate: nil,
            completedAt: Timestamp(milliseconds: 0))
        let publication = ResultMessage(result, isReplayed: true).publication(under: QueueNames(prefix: "p"))
        #expect(fault(publication) == nil)
        #expect(publication.properties.correlationID == String(repeating: "\u{FFFD}", count: 85))
    }
}
