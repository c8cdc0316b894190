import HTTP
import ScriptedPeer
import Testing

/// libcurl takes a new connection by itself when a reused one dies before the first byte of an answer. The request
/// must not go with it.
@Suite(.timeLimit(.minutes(30))) struct ResendTests {
    /// Answers the first request of its first connection, takes the second and lets the connection die. Answers
    /// everything on any other connection, so that a resend would be a success.
    static func dyingOnReuse(headOnly: Bool, reset: Bool) -> RawPeer.Script {
        { connection in
            guard connection.number == 0 else {
                while true {
                    _ = try connection.readRequest()
                    try connection.answer()
                }
            }
            _ = try connection.readRequest()
            try connection.answer()
            if headOnly { _ = try connection.readRequestHead() } else { _ = try connection.readRequest() }
            if reset { connection.reset() } else { connection.close() }
        }
    }

    @Test(arguments: [true, false], [true, false])
    func aReusedConnectionThatDiesSendsTheBodyOnce(headOnly: Bool, reset: Bool) async throws {
        try await RawPeer.serving(Self.dyingOnReuse(headOnly: headOnly, reset: reset)) { peer in
            try await withEngine { engine in
                try await engine.succeed(post(peer, body: "first"))
                let alone = peer.received.count
                let fault = try await engine.send(post(peer, body: "2nd.."))
                    .ambiguousFault
                #expect(fault.kind == .resendRefused || fault.kind == .connectionLost)
                // Both requests are of one size. After its head a connection may die before the body is given.
                #expect(headOnly ? (1...alone).contains(fault.sentBytes) : fault.sentBytes == alone)
                #expect(peer.received.count <= 2 * alone)
                #expect(peer.received.count(of: "POST ") == 2)
                #expect(peer.received.count(of: "2nd..") <= 1)
                // The engine goes on.
                try await engine.succeed(post(peer, body: "third"))
            }
        }
    }

    @Test(arguments: [HTTPMethod.get, .post])
    func aRequestWithoutBodyIsSentOnceToo(method: HTTPMethod) async throws {
        try await RawPeer.serving(Self.dyingOnReuse(headOnly: true, reset: false)) { peer in
            try await withEngine { engine in
                let request = HTTPRequest(method, url: "http://127.0.0.1:\(peer.port)/")
                try await engine.succeed(request)
                let fault = try await engine.send(request).ambiguousFault
                #expect(fault.kind == .resendRefused)
                #expect(peer.received.count(of: " / HTTP/1.1") == 2)
            }
        }
    }

    @Test func aConnectionThatDiedIdleIsReplaced() async throws {
        let isClosed = try RawSignal()
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            try connection.answer()
            if connection.number == 0 {
                connection.close()
                isClosed.fire()
            } else {
                try connection.readToEnd()
            }
        } _: { peer in
            try await withEngine { engine in
                try await engine.succeed(post(peer))
                await isClosed.fired()
                try await engine.succeed(post(peer))
            }
            #expect(peer.connections.count == 2)
            #expect(peer.received.count(of: leaveBody) == 2)
        }
    }
}
