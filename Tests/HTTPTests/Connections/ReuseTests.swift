import Concurrency
import HTTP
import ScriptedPeer
import Secrets
import Testing

/// One after another, requests take the same libcurl handle. None may find anything of the one before it.
@Suite(.timeLimit(.minutes(30))) struct ReuseTests {
    /// Sends them one after another, and returns each as the peer saw it.
    static func seen(_ requests: [@Sendable (RawPeer) -> HTTPRequest]) async throws -> [HTTPPeerRequest] {
        let seen = Lock<[HTTPPeerRequest]>([])
        try await RawPeer.serving { connection in
            while true {
                let request = try connection.readRequest()
                seen.withLock { $0.append(request) }
                try connection.answer(body: Array("{}".utf8))
            }
        } _: { peer in
            try await withEngine { engine in
                for request in requests { try await engine.succeed(request(peer)) }
            }
        }
        return seen.withLock(\.self)
    }

    static let head = ["Accept", "Accept-Encoding", "Host", "User-Agent"]

    static func names(_ request: HTTPPeerRequest) -> [String] {
        request.lines.dropFirst().map { String($0.prefix { $0 != ":" }) }.sorted()
    }

    @Test func aRequestHasNoFieldOfTheOneBefore() async throws {
        let requests = try await Self.seen([
            { post($0) }, { get($0) },
            { HTTPRequest(.post, url: "http://127.0.0.1:\($0.port)/other", fields: [HTTPField("X-One", "1")]) },
            { get($0) }, { post($0) },
        ])
        #expect(
            requests.map(\.requestLine) == [
                "POST /v1/sharedAlbums:leave HTTP/1.1", "GET /v1/sharedAlbums/one-path HTTP/1.1",
                "POST /other HTTP/1.1", "GET /v1/sharedAlbums/one-path HTTP/1.1",
                "POST /v1/sharedAlbums:leave HTTP/1.1",
            ])
        #expect(requests.map(\.body.text) == [leaveBody, "", "", "", leaveBody])
        let call = (Self.head + ["Authorization", "Content-Length", "Content-Type"]).sorted()
        #expect(Self.names(requests[0]) == call)
        #expect(Self.names(requests[1]) == Self.head)
        #expect(
            Self.names(requests[2]) == (Self.head + ["Content-Length", "Content-Type", "X-One"]).sorted())
        #expect(Self.names(requests[3]) == Self.head)
        #expect(Self.names(requests[4]) == call)
    }

    @Test func aBodyOfAnotherLengthIsSentWhole() async throws {
        let bodies = [String(repeating: "a", count: 200_000), "", "b", String(repeating: "c", count: 70_000), "dd"]
        let requests = try await Self.seen(bodies.map { body in { post($0, body: body) } })
        #expect(requests.map(\.body.text) == bodies)
        #expect(!requests.contains { Self.names($0).contains("Expect") })
    }

    @Test func aServersCookieIsNotSentBack() async throws {
        try await RawPeer.serving { connection in
            for _ in 0..<2 {
                _ = try connection.readRequest()
                try connection.answer(fields: ["Set-Cookie: a=b", "WWW-Authenticate: Basic", "ETag: c"])
            }
            try connection.readToEnd()
        } _: { peer in
            try await withEngine { engine in
                for _ in 0..<2 { try await engine.succeed(post(peer)) }
            }
            let sent = peer.received.text
            #expect(!sent.contains("Cookie") && !sent.contains("Basic") && !sent.contains("If-"))
        }
    }

    /// Each fault in its turn, between two answers.
    @Test func afterAFaultComesAnAnswer() async throws {
        let beginnings = [
            "", "HTTP/1.1 200 OK\r\nX-Lost: a\r\nContent-Le", "junk\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        ]
        try await RawPeer.serving { connection in
            while true {
                let request = try connection.readRequest()
                if let number = Int(request.body.text), beginnings.indices.contains(number) {
                    try connection.write(beginnings[number])
                    return connection.close()
                }
                try connection.answer("204 No Content")
            }
        } _: { peer in
            try await withEngine { engine in
                for number in beginnings.indices {
                    #expect(try await engine.send(post(peer, body: "well")).response.status == 204)
                    let fault = try await engine.send(post(peer, body: "\(number)")).ambiguousFault
                    // Of this request alone.
                    #expect((100...400).contains(fault.sentBytes))
                    let response = try await engine.send(post(peer, body: "well")).response
                    #expect(response.status == 204)
                    #expect(response.field("X-Lost") == nil)
                    #expect(response.body.isEmpty)
                }
            }
        }
    }

    @Test func whatIsNotSentAfterAnAnswerIsKnownAsNotSent() async throws {
        try await RawPeer.serving(EngineTests.answering) { peer in
            try await RawPort.refusing { port in
                try await withEngine { engine in
                    try await engine.succeed(post(peer))
                    let fault = try await engine.send(NotSentTests.request(port: port)).notSentFault
                    #expect(fault.kind == .connect)
                    #expect(fault.sentBytes == 0)
                    try await engine.succeed(post(peer))
                }
            }
        }
    }
}
