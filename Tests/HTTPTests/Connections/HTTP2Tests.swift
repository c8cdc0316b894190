import HTTP
import ScriptedPeer
import Testing

@Suite(.timeLimit(.minutes(30))) struct HTTP2Tests {
    static func data(_ text: String, stream: UInt32, ends: Bool = false) -> HTTPPeerFrame {
        HTTPPeerFrame(
            .data, flags: ends ? HTTPPeerFrame.endStream : 0, stream: stream, payload: Array(text.utf8))
    }

    @Test(arguments: [0, 1])
    func aStreamIsAnswered(warmUp: Int) async throws {
        let trial = try await HTTP2Trial(warmUp: warmUp) { connection, stream in
            try connection.send(.ok(stream: stream), Self.data("{", stream: stream))
            try connection.send(Self.data("}", stream: stream, ends: true))
            let next = try connection.readStream().stream
            try connection.send(.ok(stream: next, ends: true))
            try connection.readToEnd()
        }
        let response = try trial.exchange.response
        #expect(response.status == 200)
        #expect(response.majorVersion == 2)
        #expect(response.body.text == "{}")
        #expect(trial.bodies == 1)
        #expect(trial.faults == [])
    }

    /// The server says that it did nothing, and libcurl would send again by itself.
    @Test(arguments: [0, 1], HTTP2Trial.Taking.allCases)
    func aRefusedStreamIsAmbiguousAndNotRepeated(warmUp: Int, taking: HTTP2Trial.Taking) async throws {
        let trial = try await HTTP2Trial(warmUp: warmUp, taking: taking) { connection, stream in
            try connection.send(.reset(stream: stream, .refusedStream))
            try connection.readToEnd()
        }
        #expect(try trial.exchange.ambiguousFault.kind == .resendRefused)
        #expect(trial.requests == 1)
        #expect(trial.bodies <= 1)
    }

    @Test(arguments: [0, 1])
    func aRefusedStreamWithoutBodyIsNotRepeatedEither(warmUp: Int) async throws {
        let trial = try await HTTP2Trial(warmUp: warmUp, body: nil) { connection, stream in
            try connection.send(.reset(stream: stream, .refusedStream))
            try connection.readToEnd()
        }
        #expect(try trial.exchange.ambiguousFault.kind == .resendRefused)
        #expect(trial.requests == 1)
    }

    @Test(arguments: [0, 1], HTTP2Trial.Taking.allCases)
    func aGoAwayBelowTheStreamIsAmbiguousAndNotRepeated(warmUp: Int, taking: HTTP2Trial.Taking)
        async throws
    {
        let trial = try await HTTP2Trial(warmUp: warmUp, taking: taking) { connection, stream in
            try connection.send(.goAway(last: stream - 1))
            try connection.readToEnd()
        }
        let fault = try trial.exchange.ambiguousFault
        #expect(fault.kind == .connectionLost || fault.kind == .resendRefused)
        #expect(trial.requests == 1)
        #expect(trial.bodies <= 1)
    }

    @Test(arguments: [0, 1])
    func aGoAwayThatLetsTheStreamFinishIsHeardOutAndThenObeyed(warmUp: Int) async throws {
        let trial = try await HTTP2Trial(warmUp: warmUp) { connection, stream in
            try connection.send(.goAway(last: stream))
            try connection.send(.ok(stream: stream, ends: true))
            // The trial's last request would hang here.
            try connection.readToEnd()
        }
        #expect(try trial.exchange.response.status == 200)
        #expect(trial.bodies == 1)
        #expect(trial.faults == [])
    }

    enum Ending: CaseIterable {
        case goAwayAndFIN, streamError, fin, rst, errorAfterHeaders, finAfterHeaders, errorInsideBody,
            errorWithBody, finInsideBody

        @Sendable func play(_ connection: RawConnection, _ stream: UInt32) throws {
            switch self {
            case .goAwayAndFIN: try connection.send(.goAway(last: stream, .internalError))
            case .streamError: try connection.send(.reset(stream: stream, .internalError))
            case .fin: connection.close()
            case .rst: connection.reset()
            case .errorAfterHeaders:
                try connection.send(.ok(stream: stream), .reset(stream: stream, .internalError))
            case .finAfterHeaders: try connection.send(.ok(stream: stream))
            // Without a length, libcurl 7.88 takes a reset that comes together with data for the body's end.
            case .errorInsideBody:
                try connection.send(.ok(stream: stream, length: 2), HTTP2Tests.data("{", stream: stream))
                try connection.send(.reset(stream: stream, .internalError))
            case .errorWithBody:
                try connection.send(
                    .ok(stream: stream, length: 2), HTTP2Tests.data("{", stream: stream),
                    .reset(stream: stream, .internalError))
            case .finInsideBody:
                try connection.send(.ok(stream: stream), HTTP2Tests.data("{", stream: stream))
            }
        }
    }

    @Test(arguments: [0, 1], Ending.allCases)
    func aStreamThatEndsWithoutItsAnswerIsAmbiguousAndNotRepeated(warmUp: Int, ending: Ending)
        async throws
    {
        let trial = try await HTTP2Trial(warmUp: warmUp, ending: ending.play)
        let fault = try trial.exchange.ambiguousFault
        #expect(fault.kind == .connectionLost || fault.kind == .resendRefused)
        #expect(trial.requests == 1)
        #expect(trial.bodies == 1)
    }

    @Test func streamsShareAConnectionAndOneThatFailsLeavesTheOthers() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let count = 20
        try await RawPeer.serving { connection in
            try connection.startTLS(identity, protocols: ["h2"])
            try connection.startHTTP2()
            let first = try connection.readStream().stream
            try connection.send(.ok(stream: first, ends: true))
            // All are under way before any is answered.
            var streams: [UInt32] = []
            for _ in 0..<count { streams.append(try connection.readStream().stream) }
            try connection.send(.reset(stream: streams[0], .internalError))
            for stream in streams[1...] { try connection.send(.ok(stream: stream, ends: true)) }
            try connection.readToEnd()
        } _: { peer in
            try await withEngine(HTTPConfiguration(caFile: identity.authorityFile)) { engine in
                try await engine.succeed(post(peer, scheme: "https"))
                let answered = await withTaskGroup { group in
                    for _ in 0..<count { group.addTask { await engine.send(post(peer, scheme: "https")) } }
                    var answered = 0
                    for await exchange in group { if case .answered = exchange { answered += 1 } }
                    return answered
                }
                #expect(answered == count - 1)
            }
            #expect(peer.connections.count == 1)
            #expect(peer.received.count(of: leaveBody) == count + 1)
        }
    }

    @Test func withoutHTTP2ItIsNotOffered() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let configuration = HTTPConfiguration(caFile: identity.authorityFile, http2: false)
        let exchange = try await exchange({ post($0, scheme: "https") }, configuration) { connection in
            try connection.startTLS(identity, protocols: ["h2", "http/1.1"])
            _ = try connection.readRequest()
            try connection.answer()
            try connection.readToEnd()
        }
        #expect(try exchange.response.majorVersion == 1)
    }
}
