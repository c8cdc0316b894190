import CRabbitMQ

/// Frames on their way out, so that those of one round leave in one system call: the library makes one for each frame,
/// three for each message.
///
/// The payloads are the library's work. Only what is around them is made here: type, channel, size, payload and an end
/// mark, as AMQP 0-9-1, section 4.2.3 has it (https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf).
struct OutgoingFrames {
    /// A method's arguments are a tag, flags and at most two short strings.
    private static let largestMethod = 1024
    /// Twelve short strings, and headers within `PublishingBehaviour.propertyBudget`: more than some brokers let a
    /// frame have.
    private static let largestHeader = 16_384
    /// Type, channel, size and end mark.
    private static let envelope = 8
    /// What a round of ordinary messages takes; the memory of a larger one is given back.
    private static let longestKeptBuffer = 16_384

    private let channel: amqp_channel_t
    /// In bytes, the envelope included.
    private let frameMax: Int
    private(set) var bytes: [UInt8] = []

    init(channel: amqp_channel_t, frameMax: Int) {
        self.channel = channel
        self.frameMax = frameMax
    }

    /// Like the next one, it gives a code of the library: not negative if the frame was added.
    mutating func ack(_ tag: UInt64, multiple: Bool) -> Int32 {
        var ack = amqp_basic_ack_t(delivery_tag: tag, multiple: multiple ? 1 : 0)
        return method(AMQP_BASIC_ACK_METHOD, &ack)
    }

    mutating func nack(_ tag: UInt64) -> Int32 {
        var nack = amqp_basic_nack_t(delivery_tag: tag, multiple: 0, requeue: 1)
        return method(AMQP_BASIC_NACK_METHOD, &nack)
    }

    /// Nil if the message was added, all of its frames. Else why it cannot be sent on this connection; nothing was
    /// added.
    mutating func publish(_ publication: Publication, isPersistent: Bool = true, _ arena: CArena) -> String? {
        let start = bytes.count
        if let fault = head(of: publication, isPersistent, arena) {
            bytes.removeSubrange(start...)
            return fault
        }
        let largestPiece = frameMax - Self.envelope
        for offset in stride(from: 0, to: publication.body.count, by: largestPiece) {
            let piece = publication.body[offset..<min(offset + largestPiece, publication.body.count)]
            begin(AMQP_FRAME_BODY, size: piece.count)
            bytes.append(contentsOf: piece)
            end()
        }
        return nil
    }

    /// As `publish` says, for a message that the library is to send: it finds out only when the method is gone already.
    mutating func fault(in publication: Publication, _ arena: CArena) -> String? {
        let start = bytes.count
        defer { bytes.removeSubrange(start...) }
        return head(of: publication, true, arena)
    }

    /// Once they are sent.
    mutating func removeAll() {
        if bytes.capacity > Self.longestKeptBuffer { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    }

    // MARK: Frames

    /// The method and the header, which unlike the body have to fit one frame each.
    private mutating func head(of publication: Publication, _ isPersistent: Bool, _ arena: CArena) -> String? {
        var publish = amqp_basic_publish_t()
        publish.exchange = arena.bytes(publication.exchange)
        publish.routing_key = arena.bytes(publication.routingKey)
        publish.mandatory = publication.isMandatory ? 1 : 0
        if let fault = fault("method", { $0.method(AMQP_BASIC_PUBLISH_METHOD, &publish) }) { return fault }
        var properties = arena.properties(of: publication, isPersistent: isPersistent)
        return fault("header") { $0.header(bodySize: publication.body.count, &properties) }
    }

    private mutating func fault(_ name: String, _ add: (inout OutgoingFrames) -> Int32) -> String? {
        let start = bytes.count
        let code = add(&self)
        guard code >= 0 else { return "its \(name) cannot be written: \(String(cString: amqp_error_string2(code)))" }
        let size = bytes.count - start
        return size > frameMax
            ? "its \(name) takes a frame of \(size) bytes, and the broker's frame_max is \(frameMax)" : nil
    }

    private mutating func method(_ id: amqp_method_number_t, _ arguments: UnsafeMutableRawPointer) -> Int32 {
        withUnsafeTemporaryAllocation(byteCount: Self.largestMethod, alignment: 1) { scratch in
            let size = amqp_encode_method(id, arguments, amqp_bytes_t(len: scratch.count, bytes: scratch.baseAddress))
            guard size >= 0 else { return size }
            begin(AMQP_FRAME_METHOD, size: 4 + Int(size))
            append(id)
            bytes.append(contentsOf: scratch[..<Int(size)])
            end()
            return size
        }
    }

    private mutating func header(bodySize: Int, _ properties: UnsafeMutableRawPointer) -> Int32 {
        withUnsafeTemporaryAllocation(byteCount: Self.largestHeader, alignment: 1) { scratch in
            let size = amqp_encode_properties(
                UInt16(AMQP_BASIC_CLASS), properties, amqp_bytes_t(len: scratch.count, bytes: scratch.baseAddress))
            guard size >= 0 else { return size }
            begin(AMQP_FRAME_HEADER, size: 12 + Int(size))
            append(UInt16(AMQP_BASIC_CLASS))
            // The weight, which nobody uses.
            append(UInt16(0))
            append(UInt64(bodySize))
            bytes.append(contentsOf: scratch[..<Int(size)])
            end()
            return size
        }
    }

    private mutating func begin(_ type: Int32, size: Int) {
        bytes.append(UInt8(type))
        append(channel)
        append(UInt32(size))
    }

    private mutating func end() { bytes.append(UInt8(AMQP_FRAME_END)) }

    /// Numbers go out with the largest byte first.
    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
