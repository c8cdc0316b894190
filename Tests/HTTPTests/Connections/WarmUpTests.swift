import HTTP
import ScriptedPeer
import Testing

/// A connection without a request: made, kept, and taken by the next one.
@Suite(.timeLimit(.minutes(30))) struct WarmUpTests {
    static func origin(_ peer: RawPeer, _ scheme: String = "http") -> String { "\(scheme)://127.0.0.1:\(peer.port)/" }

    @Test func theNextRequestTakesTheConnection() async throws {
        try await RawPeer.serving(EngineTests.answering) { peer in
            try await withEngine { engine in
                #expect(await engine.warmUp(Self.origin(peer)) == nil)
                #expect(peer.received == [])
                try await engine.succeed(post(peer))
                // Nothing of the warm-up is left in its handle.
                try await engine.succeed(get(peer))
                try await engine.succeed(post(peer))
            }
            #expect(peer.connections.count == 1)
            #expect(peer.received.count(of: " HTTP/1.1\r\n") == 3)
            #expect(peer.received.count(of: leaveBody) == 2)
        }
    }

    @Test func aConnectionThatIsThereIsNotMadeAgain() async throws {
        try await RawPeer.serving(EngineTests.answering) { peer in
            try await withEngine { engine in
                try await engine.succeed(post(peer))
                let alone = peer.received.count
                for _ in 0..<3 { #expect(await engine.warmUp(Self.origin(peer)) == nil) }
                #expect(peer.received.count == alone)
                try await engine.succeed(post(peer))
            }
            #expect(peer.connections.count == 1)
        }
    }

    @Test func insideTLSTheHandshakeIsDoneWithIt() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        try await RawPeer.serving { connection in
            try connection.startTLS(identity)
            try EngineTests.answering(connection)
        } _: { peer in
            try await withEngine(HTTPConfiguration(caFile: identity.authorityFile)) { engine in
                #expect(await engine.warmUp(Self.origin(peer, "https")) == nil)
                #expect(peer.received == [])
                try await engine.succeed(post(peer, scheme: "https"))
            }
            #expect(peer.connections.count == 1)
        }
    }

    @Test func overHTTP2NoStreamIsOpened() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        try await RawPeer.serving { connection in
            try connection.startTLS(identity, protocols: ["h2"])
            try connection.startHTTP2()
            for number: UInt32 in 0..<2 {
                let stream = try connection.readStream().stream
                #expect(stream == 2 * number + 1, "a stream came before")
                try connection.send(.ok(stream: stream, ends: true))
            }
            try connection.readToEnd()
        } _: { peer in
            try await withEngine(HTTPConfiguration(caFile: identity.authorityFile)) { engine in
                #expect(await engine.warmUp(Self.origin(peer, "https")) == nil)
                try await engine.succeed(post(peer, scheme: "https"))
                #expect(await engine.warmUp(Self.origin(peer, "https")) == nil)
                try await engine.succeed(post(peer, scheme: "https"))
            }
            #expect(peer.connections.count == 1)
            #expect(peer.faults == [])
        }
    }

    /// A handshake that takes longer than a send window would else keep every call from beginning.
    @Test func whatIsTooLateEachTimeBeginsAfterAWarmUp() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let window = SendWindow()
        try await RawPeer.serving { connection in
            window.close()
            try connection.startTLS(identity)
            try EngineTests.answering(connection)
        } _: { peer in
            try await withEngine(HTTPConfiguration(caFile: identity.authorityFile), clock: window) { engine in
                for _ in 0..<2 {
                    window.open()
                    try SendWindowTests.expectTooLate(await engine.send(post(peer, scheme: "https").inWindow))
                }
                window.open()
                #expect(await engine.warmUp(Self.origin(peer, "https")) == nil)
                window.open()
                try await engine.succeed(post(peer, scheme: "https").inWindow)
            }
            #expect(peer.connections.count == 3)
        }
    }

    @Test func whyThereIsNoConnectionIsSaid() async throws {
        try await RawPort.refusing { port in
            let fault = try await withEngine { await $0.warmUp("http://127.0.0.1:\(port)/") }
            #expect(fault?.kind == .connect)
        }
        let identity = try TLSIdentity()
        defer { identity.remove() }
        try await RawPeer.serving(TLSTests.serve(identity)) { peer in
            let fault = try await withEngine { await $0.warmUp(Self.origin(peer, "https")) }
            #expect(fault?.kind == .tlsTrust)
        }
        let engine = try HTTPEngine(HTTPConfiguration())
        #expect(await engine.warmUp("ftp://127.0.0.1/")?.kind == .invalidRequest)
        engine.stop()
        #expect(await engine.warmUp("http://127.0.0.1:1/")?.kind == .stopped)
    }
}
