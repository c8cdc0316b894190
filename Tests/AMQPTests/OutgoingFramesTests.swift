import Testing

@testable import AMQP

/// What goes out is what AMQP 0-9-1 says, byte by byte.
@Suite struct OutgoingFramesTests {
    private static func frames(frameMax: Int = 131_072) -> OutgoingFrames {
        OutgoingFrames(channel: 1, frameMax: frameMax)
    }

    @Test func anAckIsOneFrame() {
        var frames = Self.frames()
        #expect(frames.ack(0x0102_0304, multiple: true) >= 0)
        #expect(frames.bytes == [1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 1, 2, 3, 4, 1, 0xCE])
    }

    @Test func aReturnedDeliveryGoesBackToItsQueue() {
        var frames = Self.frames()
        #expect(frames.nack(7) >= 0)
        // The last byte before the mark holds `multiple` and, above it, `requeue`.
        #expect(frames.bytes == [1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 120, 0, 0, 0, 0, 0, 0, 0, 7, 2, 0xCE])
    }

    @Test func aMessageIsThreeFrames() {
        var frames = Self.frames()
        #expect(frames.publish(Self.publication(body: [7, 8]), CArena()) >= 0)
        let method: [UInt8] = [0, 60, 0, 40, 0, 0, 1, 0x78, 1, 0x79, 1]
        // Flags: delivery-mode and message-id.
        let header: [UInt8] = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x10, 0x80, 2, 2, 0x6D, 0x31]
        #expect(frames.bytes == Self.frame(1, method) + Self.frame(2, header) + Self.frame(3, [7, 8]))
    }

    @Test func aLongBodyIsCutToWhatAFrameMayHold() {
        var frames = Self.frames(frameMax: 4096)
        let body = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(frames.publish(Self.publication(body: body), CArena()) >= 0)
        let pieces = [body[..<4088], body[4088..<8176], body[8176...]].map { Self.frame(3, Array($0)) }
        #expect(frames.bytes.suffix(10_000 + 3 * 8) == pieces.joined().suffix(10_000 + 3 * 8))
        #expect(pieces[0].count == 4096)
    }

    @Test func anEmptyBodyHasNoFrame() {
        var frames = Self.frames()
        #expect(frames.publish(Self.publication(body: []), CArena()) >= 0)
        let empty = frames.bytes.count
        frames.removeAll()
        #expect(frames.publish(Self.publication(body: [1]), CArena()) >= 0)
        #expect(frames.bytes.count == empty + 9)
    }

    @Test func whatCannotBeWrittenLeavesNothingBehind() {
        var frames = Self.frames()
        #expect(frames.ack(1, multiple: false) >= 0)
        let before = frames.bytes
        var publication = Self.publication(body: [1])
        publication.properties.headers = FieldTable()
        publication.properties.headers?.append("h", .string([UInt8](repeating: 7, count: 20_000)))
        #expect(frames.publish(publication, CArena()) < 0)
        #expect(frames.bytes == before)
    }

    private static func publication(body: [UInt8]) -> Publication {
        var properties = Properties()
        properties.messageID = "m1"
        return Publication(exchange: "x", routingKey: "y", properties: properties, body: body)
    }

    private static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [type, 0, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) } + payload + [0xCE]
    }
}
