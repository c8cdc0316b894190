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
        #expect(frames.publish(Self.publication(body: [7, 8]), CArena()) == nil)
        let method: [UInt8] = [0, 60, 0, 40, 0, 0, 1, 0x78, 1, 0x79, 1]
        // Flags: delivery-mode and message-id.
        let header: [UInt8] = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x10, 0x80, 2, 2, 0x6D, 0x31]
        #expect(frames.bytes == Self.frame(1, method) + Self.frame(2, header) + Self.frame(3, [7, 8]))
    }

    @Test func aLongBodyIsCutToWhatAFrameMayHold() {
        var frames = Self.frames(frameMax: 4096)
        let body = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(frames.publish(Self.publication(body: body), CArena()) == nil)
        let pieces = [body[..<4088], body[4088..<8176], body[8176...]].map { Self.frame(3, Array($0)) }
        #expect(frames.bytes.suffix(10_000 + 3 * 8) == pieces.joined().suffix(10_000 + 3 * 8))
        #expect(pieces[0].count == 4096)
    }

    @Test func anEmptyBodyHasNoFrame() {
        var frames = Self.frames()
        #expect(frames.publish(Self.publication(body: []), CArena()) == nil)
        let empty = frames.bytes.count
        frames.removeAll()
        #expect(frames.publish(Self.publication(body: [1]), CArena()) == nil)
        #expect(frames.bytes.count == empty + 9)
    }

    @Test func aHeaderThatFitsNoFrameIsNamedAndLeavesNothingBehind() {
        var frames = Self.frames(frameMax: 4096)
        #expect(frames.ack(1, multiple: false) >= 0)
        let before = frames.bytes
        // Beside the value: envelope 8, class to body size 12, flags 2, delivery mode 1, message-id 3, and the table's
        // size 4, name 2, type 1, length 4.
        let room = 4096 - 37
        #expect(frames.publish(Self.publication(body: [1], headerOf: room), CArena()) == nil)
        #expect(Array(frames.bytes.dropFirst(before.count + 19).prefix(7)) == [2, 0, 1, 0, 0, 0x0F, 0xF8])
        frames.removeAll()
        #expect(frames.ack(1, multiple: false) >= 0)
        let large = Self.publication(body: [1], headerOf: room + 1)
        let message = "its header takes a frame of 4097 bytes, and the broker's frame_max is 4096"
        #expect(frames.fault(in: large, CArena()) == message)
        #expect(frames.publish(large, CArena()) == message)
        #expect(frames.bytes == before)
    }

    @Test func whatCannotBeWrittenLeavesNothingBehind() {
        var frames = Self.frames()
        #expect(frames.ack(1, multiple: false) >= 0)
        let before = frames.bytes
        let message = frames.publish(Self.publication(body: [1], headerOf: 20_000), CArena())
        #expect(message?.hasPrefix("its header cannot be written: ") == true)
        #expect(frames.bytes == before)
    }

    @Test func askingWhetherItFitsAddsNothing() {
        var frames = Self.frames()
        #expect(frames.fault(in: Self.publication(body: [1]), CArena()) == nil)
        #expect(frames.bytes.isEmpty)
    }

    private static func publication(body: [UInt8], headerOf size: Int) -> Publication {
        var headers = FieldTable()
        headers.append("h", .string([UInt8](repeating: 7, count: size)))
        return publication(body: body, headers: headers)
    }

    private static func publication(body: [UInt8], headers: FieldTable? = nil) -> Publication {
        var properties = Properties()
        (properties.messageID, properties.headers) = ("m1", headers)
        return Publication(exchange: "x", routingKey: "y", properties: properties, body: body)
    }

    private static func frame(_ type: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [type, 0, 1] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: payload.count >> $0) } + payload + [0xCE]
    }
}
