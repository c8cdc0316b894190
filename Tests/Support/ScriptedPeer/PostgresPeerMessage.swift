/// A message of PostgreSQL's protocol, version 3, as bytes: its kind, its length, its fields.
/// https://www.postgresql.org/docs/15/protocol-message-formats.html
package struct PostgresPeerMessage: Hashable, Sendable {
    /// As the protocol's pages write it: `Z` for ready.
    package var kind: Character
    package var payload: [UInt8]

    package init(_ kind: Character, _ payload: [UInt8] = []) {
        self.kind = kind
        self.payload = payload
    }

    package var bytes: [UInt8] {
        [kind.asciiValue ?? 0] + AMQPBytes.long(UInt32(payload.count + 4)) + payload
    }

    // MARK: The server's

    package static let authenticated = Self("R", AMQPBytes.long(0))
    package static let parsed = Self("1")
    package static let bound = Self("2")
    package static let noRows = Self("n")
    /// Ready for the next batch, in no transaction.
    package static let ready = Self("Z", Array("I".utf8))

    /// Columns of these types, in binary.
    package static func columns(_ types: [UInt32]) -> Self {
        var payload = AMQPBytes.short(UInt16(types.count))
        for type in types {
            payload += text("column") + AMQPBytes.long(0) + AMQPBytes.short(0) + AMQPBytes.long(type)
            // Of any size, without a modifier, in binary.
            payload += AMQPBytes.short(0xffff) + AMQPBytes.long(0xffff_ffff) + AMQPBytes.short(1)
        }
        return Self("T", payload)
    }

    package static func row(_ values: [[UInt8]]) -> Self {
        Self("D", AMQPBytes.short(UInt16(values.count)) + values.flatMap { AMQPBytes.longBytes($0) })
    }

    package static func complete(_ tag: String) -> Self { Self("C", text(tag)) }

    package static func notice(_ severity: String, _ state: String, _ message: String) -> Self {
        Self("N", report(severity, state, message))
    }

    package static func error(_ severity: String, _ state: String, _ message: String) -> Self {
        Self("E", report(severity, state, message))
    }

    package static func parameter(_ name: String, _ value: String) -> Self { Self("S", text(name) + text(value)) }

    private static func report(_ severity: String, _ state: String, _ message: String) -> [UInt8] {
        [("S", severity), ("V", severity), ("C", state), ("M", message)].flatMap { Array($0.utf8) + text($1) } + [0]
    }

    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }
}

/// A server's side of PostgreSQL's protocol.
extension RawConnection {
    package func send(_ messages: PostgresPeerMessage...) throws(RawPeerFault) {
        try write(messages.flatMap(\.bytes))
    }

    package func readPostgresMessage() throws(RawPeerFault) -> PostgresPeerMessage {
        let head = try read(count: 5)
        let size = head[1...].reduce(0) { $0 << 8 | Int($1) }
        return PostgresPeerMessage(Character(UnicodeScalar(head[0])), try read(count: size - 4))
    }

    /// Up to and with Sync.
    @discardableResult
    package func readPostgresBatch() throws(RawPeerFault) -> [PostgresPeerMessage] {
        var messages: [PostgresPeerMessage] = []
        repeat { messages.append(try readPostgresMessage()) } while messages.last?.kind != "S"
        return messages
    }

    /// What the client says first: its parameters, each name with its value.
    package func readPostgresStartup() throws(RawPeerFault) -> [String: String] {
        let size = try read(count: 4).reduce(0) { $0 << 8 | Int($1) }
        let texts = try read(count: size - 4).dropFirst(4).split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        // An empty name is the end.
        return Dictionary(
            stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }.prefix { !$0.0.isEmpty },
            uniquingKeysWith: { $1 })
    }

    /// A login without a password, and the answer that the server takes writes.
    package func acceptPostgres(readOnly: String = "off") throws(RawPeerFault) {
        _ = try readPostgresStartup()
        try send(.authenticated, .parameter("client_encoding", "UTF8"), .ready)
        try readPostgresBatch()
        try send(
            .parsed, .bound, .columns([25]), .row([Array(readOnly.utf8)]), .complete("SHOW"), .ready)
    }
}
