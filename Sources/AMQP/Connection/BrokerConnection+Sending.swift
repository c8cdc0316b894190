import CLinux
import CRabbitMQ

/// What goes out at load. It waits in memory until `flush`, which comes before any other call.
///
/// Over TLS the library alone can write to the connection, and sends each at once.
extension BrokerConnection {
    mutating func ack(_ tag: UInt64, multiple: Bool) throws(LinkError) {
        try put("acking") {
            $0.ack(tag, multiple: multiple)
        } orSend: { state, _ in
            amqp_basic_ack(state, Self.channel, tag, multiple ? 1 : 0)
        }
    }

    /// Back to its queue.
    mutating func requeue(_ tag: UInt64) throws(LinkError) {
        try put("handing back") {
            $0.nack(tag)
        } orSend: { state, _ in
            amqp_basic_nack(state, Self.channel, tag, 0, 1)
        }
    }

    /// Nil if the message is on its way. Else why no frame of this connection holds it; not a byte of it was sent.
    mutating func publish(_ publication: Publication, isPersistent: Bool = true) throws(LinkError) -> String? {
        let arena = arena
        defer { arena.reset() }
        guard endpoint.tls != nil else { return outgoing.publish(publication, isPersistent: isPersistent, arena) }
        if let fault = outgoing.fault(in: publication, arena) { return fault }
        try send("publishing to \(publication.exchange) \(publication.routingKey)") { state, arena in
            var properties = arena.properties(of: publication, isPersistent: isPersistent)
            return publication.body.withUnsafeBytes { body in
                amqp_basic_publish(
                    state, Self.channel, arena.bytes(publication.exchange), arena.bytes(publication.routingKey),
                    publication.isMandatory ? 1 : 0, 0, &properties,
                    amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress)))
            }
        }
        return nil
    }

    private mutating func put(
        _ attempted: @autoclosure () -> String, _ add: (inout OutgoingFrames) -> Int32,
        orSend send: (amqp_connection_state_t, CArena) -> Int32
    ) throws(LinkError) {
        guard endpoint.tls == nil else { return try self.send(attempted(), send) }
        let code = add(&outgoing)
        guard code >= 0 else { throw Self.failure(code, endpoint, attempted()) }
    }

    /// Sends what waits, and waits itself while the peer does not read; the stall guard ends a wait that takes too
    /// long.
    mutating func flush(_ attempted: @autoclosure () -> String) throws(LinkError) {
        guard !outgoing.bytes.isEmpty else { return }
        let bytes = outgoing.bytes
        try send(attempted()) { state, _ in Self.write(bytes, to: amqp_get_sockfd(state)) }
        outgoing.removeAll()
    }

    /// The library's codes; errno says more.
    private static func write(_ bytes: [UInt8], to socket: Int32) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = CLinux.send(socket, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, noSignal)
                if sent >= 0 {
                    rest = rest.dropFirst(sent)
                } else if CLinux_errno() == EAGAIN {
                    var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
                    poll(&descriptor, 1, -1)
                } else if CLinux_errno() != EINTR {
                    return AMQP_STATUS_SOCKET_ERROR.rawValue
                }
            }
            return AMQP_STATUS_OK.rawValue
        }
    }

    private static let noSignal = Int32(MSG_NOSIGNAL)
}
