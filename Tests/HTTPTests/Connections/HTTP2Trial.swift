import HTTP
import ScriptedPeer

/// One request that must not be repeated, over HTTP/2 as it is used: inside TLS, agreed on by ALPN.
struct HTTP2Trial {
    /// How much of the request the peer takes before it ends the stream.
    enum Taking: CaseIterable {
        case whole
        case head
        /// The head, and the peer's window lets no body come.
        case headOfWithheldBody
    }

    var exchange: HTTPExchange
    /// Requests that the peer saw, the warm-up left out.
    var requests: Int
    /// How often the body came.
    var bodies: Int
    /// Whether the peer's scripts went as they should.
    var faults: [String]

    /// Answers `warmUp` requests of the first connection, then plays `ending` with the next stream; every request of
    /// another connection is answered with 200, so that a resend would be a success. Afterwards the engine must answer
    /// one more request.
    init(
        warmUp: Int = 0, body: String? = leaveBody, taking: Taking = .whole,
        ending: @escaping @Sendable (RawConnection, UInt32) throws -> Void
    ) async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let requests = RawCount()
        let configuration = HTTPConfiguration(timeout: .seconds(10), caFile: identity.authorityFile)
        let script: RawPeer.Script = { connection in
            try connection.startTLS(identity, protocols: ["h2"])
            try connection.startHTTP2(
                window: taking == .headOfWithheldBody && connection.number == 0 ? 0 : nil)
            for number in 0... {
                let isTrial = connection.number == 0 && number == warmUp
                let stream =
                    try isTrial && taking != .whole ? connection.readHead() : connection.readStream().stream
                if isTrial || connection.number > 0 { requests.add(1) }
                if isTrial { return try ending(connection, stream) }
                try connection.send(.ok(stream: stream, ends: true))
            }
        }
        self = try await RawPeer.serving(script) { peer in
            try await withEngine(configuration) { engine in
                for _ in 0..<warmUp { try await engine.succeed(post(peer, body: nil, scheme: "https")) }
                let exchange = await engine.send(post(peer, body: body, scheme: "https"))
                let trial = HTTP2Trial(
                    exchange: exchange, requests: requests.value, bodies: peer.received.count(of: leaveBody),
                    faults: peer.faults)
                try await engine.succeed(get(peer, scheme: "https"))
                return trial
            }
        }
    }

    private init(exchange: HTTPExchange, requests: Int, bodies: Int, faults: [String]) {
        self.exchange = exchange
        self.requests = requests
        self.bodies = bodies
        self.faults = faults
    }
}
