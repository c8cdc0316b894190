/// A broker's side of AMQP 0-9-1, frame by frame.
extension RawConnection {
    /// What a client published.
    package struct Publish: Sendable {
        package var routingKey: String
        package var isMandatory: Bool
        /// Its property list's bytes, flags first.
        package var properties: [UInt8]
        package var body: [UInt8]
    }

    // MARK: Frames

    package func readAMQPFrame() throws(RawPeerFault) -> AMQPPeerFrame {
        let head = try read(count: 7)
        let size = head[3...6].reduce(0) { $0 << 8 | Int($1) }
        let payload = try read(count: size)
        _ = try read(count: 1)
        return AMQPPeerFrame(type: head[0], channel: UInt16(head[1]) << 8 | UInt16(head[2]), payload: payload)
    }

    package func send(_ call: AMQPCall, channel: UInt16 = 1, _ arguments: [UInt8] = []) throws(RawPeerFault) {
        try write(
            AMQPPeerFrame(
                type: AMQPPeerFrame.method, channel: channel,
                payload: AMQPBytes.short(call.group) + AMQPBytes.short(call.number) + arguments
            ).bytes)
    }

    // MARK: Opening

    /// Up to connection.open-ok. Returns what the client said in start-ok.
    @discardableResult
    package func acceptAMQP(
        heartbeat: UInt16 = 10, frameMax: UInt32 = 131_072, serverProperties: [UInt8] = []
    ) throws(RawPeerFault) -> [UInt8] {
        let startOK = try startAMQP(serverProperties: serverProperties)
        try send(
            AMQPCall(10, 30), channel: 0,
            AMQPBytes.short(2047) + AMQPBytes.long(frameMax) + AMQPBytes.short(heartbeat))
        try expect(.tuneOK)
        try expect(.connectionOpen)
        try send(AMQPCall(10, 41), channel: 0, AMQPBytes.shortText(""))
        return startOK
    }

    /// Up to start-ok, which holds the client's properties, mechanism and response.
    package func startAMQP(serverProperties: [UInt8] = []) throws(RawPeerFault) -> [UInt8] {
        _ = try read(count: 8)
        try send(
            AMQPCall(10, 10), channel: 0,
            [0, 9] + AMQPBytes.longBytes(serverProperties) + AMQPBytes.longText("PLAIN EXTERNAL")
                + AMQPBytes.longText("en_US"))
        return try expect(.startOK).payload
    }

    @discardableResult
    package func expect(_ call: AMQPCall) throws(RawPeerFault) -> AMQPPeerFrame {
        try answering(until: call)
    }

    /// Answers ordinary requests as a broker does, until this one comes, which is left to the caller. Content frames
    /// and heartbeats are passed over.
    package func answering(until wanted: AMQPCall) throws(RawPeerFault) -> AMQPPeerFrame {
        while true {
            let frame = try readAMQPFrame()
            guard let call = frame.call else { continue }
            if call == wanted { return frame }
            try answer(frame, call)
        }
    }

    package func answer(_ frame: AMQPPeerFrame, _ call: AMQPCall) throws(RawPeerFault) {
        switch call {
        case .channelOpen: try send(AMQPCall(20, 11), AMQPBytes.longText(""))
        case .channelClose: try send(.channelCloseOK)
        case .connectionClose: try send(.connectionCloseOK, channel: 0)
        case .confirmSelect: try send(AMQPCall(85, 11))
        case .qos: try send(AMQPCall(60, 11))
        case .consume:
            // Reserved short, then queue and consumer tag.
            let queue = AMQPBytes.readShortText(frame.payload[6...])
            let tag = AMQPBytes.readShortText(frame.payload[(7 + queue.utf8.count)...])
            try send(AMQPCall(60, 21), AMQPBytes.shortText(tag))
        case .cancel: try send(AMQPCall(60, 31), AMQPBytes.shortText(AMQPBytes.readShortText(frame.payload[4...])))
        case .queueDeclare:
            let queue = AMQPBytes.readShortText(frame.payload[6...])
            try send(AMQPCall(50, 11), AMQPBytes.shortText(queue) + AMQPBytes.long(0) + AMQPBytes.long(0))
        default: break
        }
    }

    // MARK: Content

    /// The next publish with its content, answering what comes before it.
    package func readPublish() throws(RawPeerFault) -> Publish {
        let method = try answering(until: .publish)
        let exchange = AMQPBytes.readShortText(method.payload[6...])
        let key = AMQPBytes.readShortText(method.payload[(7 + exchange.utf8.count)...])
        let flags = method.payload[8 + exchange.utf8.count + key.utf8.count]
        let header = try readAMQPFrame()
        var body: [UInt8] = []
        let size = Int(AMQPBytes.readLonglong(header.payload[4...]))
        while body.count < size { body += try readAMQPFrame().payload }
        return Publish(
            routingKey: key, isMandatory: flags & 1 != 0, properties: Array(header.payload[12...]), body: body)
    }

    package func confirm(_ tag: UInt64, multiple: Bool = false) throws(RawPeerFault) {
        try send(.ack, AMQPBytes.longlong(tag) + [multiple ? 1 : 0])
    }

    package func refuse(_ tag: UInt64, multiple: Bool = false) throws(RawPeerFault) {
        try send(.nack, AMQPBytes.longlong(tag) + [multiple ? 1 : 0])
    }

    /// The method of a delivery.
    package func deliver(tag: UInt64, consumer: String, channel: UInt16 = 1) throws(RawPeerFault) {
        try send(
            .deliver, channel: channel,
            AMQPBytes.shortText(consumer) + AMQPBytes.longlong(tag) + [0] + AMQPBytes.shortText("")
                + AMQPBytes.shortText(consumer))
    }

    /// The header of a content without properties.
    package func contentHeader(size: UInt64, properties: [UInt8] = [0, 0], channel: UInt16 = 1) throws(RawPeerFault) {
        try write(
            AMQPPeerFrame(
                type: AMQPPeerFrame.header, channel: channel,
                payload: AMQPBytes.short(60) + AMQPBytes.short(0) + AMQPBytes.longlong(size) + properties
            ).bytes)
    }

    package func content(_ bytes: [UInt8], channel: UInt16 = 1) throws(RawPeerFault) {
        try write(AMQPPeerFrame(type: AMQPPeerFrame.body, channel: channel, payload: bytes).bytes)
    }

    /// A whole delivery.
    package func deliver(_ body: [UInt8], tag: UInt64, consumer: String) throws(RawPeerFault) {
        try deliver(tag: tag, consumer: consumer)
        try contentHeader(size: UInt64(body.count))
        try content(body)
    }

    /// basic.return with a message-id as its only property.
    package func giveBack(messageID: String, routingKey: String) throws(RawPeerFault) {
        try send(
            .returned,
            AMQPBytes.short(312) + AMQPBytes.shortText("NO_ROUTE") + AMQPBytes.shortText("")
                + AMQPBytes.shortText(routingKey))
        // Bit 7 of the flags is message-id.
        try contentHeader(size: 0, properties: AMQPBytes.short(1 << 7) + AMQPBytes.shortText(messageID))
    }

    package func closeChannel(_ code: UInt16, _ text: String) throws(RawPeerFault) {
        try send(.channelClose, AMQPBytes.short(code) + AMQPBytes.shortText(text) + AMQPBytes.long(0))
    }

    package func closeConnection(_ code: UInt16, _ text: String) throws(RawPeerFault) {
        try send(
            .connectionClose, channel: 0, AMQPBytes.short(code) + AMQPBytes.shortText(text) + AMQPBytes.long(0))
    }
}
