import Clocks
import HTTP
import ScriptedPeer
import Testing

/// A request begins inside its send window or not at all, whatever the connection that it would go over.
@Suite(.timeLimit(.minutes(30))) struct SendWindowTests {
    static func expectTooLate(_ exchange: HTTPExchange) throws {
        let fault = try exchange.notSentFault
        #expect(fault.kind == .tooLate)
        #expect(fault.code == 0 && fault.sentBytes == 0)
    }

    // MARK: Before a connection

    @Test func oneThatIsTooLateAlreadyIsNotEvenConnected() async throws {
        try await RawPeer.serving(EngineTests.answering) { peer in
            let window = SendWindow()
            try await withEngine(clock: window) { engine in
                window.close()
                try Self.expectTooLate(await engine.send(post(peer).inWindow))
                #expect(peer.connections.isEmpty)
                // Without a window it is as ever.
                try await engine.succeed(post(peer))
            }
        }
    }

    /// The one place is taken until it is over.
    @Test func oneThatWaitsForAPlaceIsNotKeptWaitingBeyondItsWindow() async throws {
        let isTaken = try RawSignal()
        let isOver = try RawSignal()
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            isTaken.fire()
            try isOver.wait()
            try connection.answer()
            try connection.readToEnd()
        } _: { peer in
            try await withEngine(HTTPConfiguration(connectTimeout: .seconds(20), maxConnections: 1)) { engine in
                async let first = engine.send(post(peer))
                await isTaken.fired()
                var request = post(peer, body: "waiting")
                request.beginsBefore = SystemTimeSource().now() + .milliseconds(20)
                let waiting = await engine.send(request)
                isOver.fire()
                try Self.expectTooLate(waiting)
                #expect(try await first.response.status == 200)
            }
            #expect(peer.received.count(of: "waiting") == 0)
        }
    }

    // MARK: On a connection

    @Test func onANewConnectionNothingIsSent() async throws {
        try await RawPeer.serving(EngineTests.answering) { peer in
            let window = SendWindow()
            try await withEngine(clock: window) { engine in
                window.closeBeforeSending()
                try Self.expectTooLate(await engine.send(post(peer).inWindow))
                window.open()
                #expect(peer.received == [])
                try await engine.succeed(post(peer).inWindow)
            }
            // The abort closed the first.
            #expect(peer.connections.count == 2)
            #expect(peer.received.count(of: leaveBody) == 1)
        }
    }

    @Test func onAReusedConnectionNothingIsSent() async throws {
        try await RawPeer.serving(EngineTests.answering) { peer in
            let window = SendWindow()
            try await withEngine(clock: window) { engine in
                try await engine.succeed(post(peer).inWindow)
                let alone = peer.received.count
                window.closeBeforeSending()
                try Self.expectTooLate(await engine.send(post(peer).inWindow))
                window.open()
                #expect(peer.received.count == alone)
                try await engine.succeed(post(peer).inWindow)
            }
            #expect(peer.received.count(of: leaveBody) == 2)
        }
    }

    @Test func aHandshakeThatTakesLongerThanTheWindowIsFollowedByNothing() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let window = SendWindow()
        try await RawPeer.serving { connection in
            if connection.number == 0 { window.close() }
            try connection.startTLS(identity)
            try connection.readToEnd()
        } _: { peer in
            try await withEngine(HTTPConfiguration(caFile: identity.authorityFile), clock: window) { engine in
                try Self.expectTooLate(await engine.send(post(peer, scheme: "https").inWindow))
            }
            #expect(peer.connections.count == 1)
            #expect(peer.received == [])
        }
    }

    /// The server has closed the idle connection: the new one takes its time as the first did.
    @Test func onTheConnectionThatReplacesADeadOneNothingIsSent() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let window = SendWindow()
        let isClosed = try RawSignal()
        try await RawPeer.serving { connection in
            if connection.number == 1 { window.close() }
            try connection.startTLS(identity)
            if connection.number == 1 {
                try connection.readToEnd()
                return
            }
            _ = try connection.readRequest()
            try connection.answer()
            connection.close()
            isClosed.fire()
        } _: { peer in
            try await withEngine(HTTPConfiguration(caFile: identity.authorityFile), clock: window) { engine in
                try await engine.succeed(post(peer, scheme: "https").inWindow)
                await isClosed.fired()
                try Self.expectTooLate(await engine.send(post(peer, scheme: "https").inWindow))
                window.open()
                try await engine.succeed(post(peer, scheme: "https").inWindow)
            }
            #expect(peer.connections.map { $0.received.count(of: leaveBody) } == [1, 0, 1])
            #expect(peer.connections[1].received == [])
        }
    }

    /// libcurl asks again before it sends again by itself. What has left once is ambiguous, however late it is.
    @Test func aResendThatIsTooLateAsWellStaysAmbiguous() async throws {
        let window = SendWindow()
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            try connection.answer()
            _ = try connection.readRequest()
            window.close()
        } _: { peer in
            try await withEngine(clock: window) { engine in
                try await engine.succeed(get(peer).inWindow)
                let fault = try await engine.send(get(peer).inWindow).ambiguousFault
                #expect(fault.kind == .resendRefused)
                #expect(fault.sentBytes > 0)
            }
            #expect(peer.received.count(of: "GET ") == 2)
        }
    }

    @Test func oneThatBeganInTimeIsHeardOut() async throws {
        let window = SendWindow()
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            window.close()
            try connection.answer()
            try connection.readToEnd()
        } _: { peer in
            try await withEngine(clock: window) { try await $0.succeed(post(peer).inWindow) }
        }
    }

    // MARK: HTTP/2

    /// Only what HTTP/2 says of itself was sent, and the connection is kept: the next request finds it.
    @Test func onANewConnectionOfHTTP2NoStreamIsOpened() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let window = SendWindow()
        let isRefused = try RawSignal()
        try await RawPeer.serving { connection in
            window.close()
            try connection.startTLS(identity, protocols: ["h2"])
            try connection.startHTTP2()
            try isRefused.wait()
            let first = try connection.readStream().stream
            #expect(first == 1, "a stream came before")
            try connection.send(.ok(stream: first, ends: true))
            try connection.readToEnd()
        } _: { peer in
            let configuration = HTTPConfiguration(caFile: identity.authorityFile)
            try await withEngine(configuration, clock: window) { engine in
                let refused = await engine.send(post(peer, scheme: "https").inWindow)
                isRefused.fire()
                try Self.expectTooLate(refused)
                window.open()
                try await engine.succeed(post(peer, scheme: "https").inWindow)
            }
            #expect(peer.connections.count == 1)
            #expect(peer.received.count(of: leaveBody) == 1)
            #expect(peer.faults == [])
        }
    }

    /// The connection is kept, with the stream that is under way on it.
    @Test func onASharedConnectionTheOtherStreamsGoOn() async throws {
        let identity = try TLSIdentity()
        defer { identity.remove() }
        let window = SendWindow()
        let isUnderWay = try RawSignal()
        let isRefused = try RawSignal()
        try await RawPeer.serving { connection in
            try connection.startTLS(identity, protocols: ["h2"])
            try connection.startHTTP2()
            let first = try connection.readStream().stream
            isUnderWay.fire()
            try isRefused.wait()
            try connection.send(.ok(stream: first, ends: true))
            let next = try connection.readStream().stream
            #expect(next == first + 2, "a stream came between")
            try connection.send(.ok(stream: next, ends: true))
            try connection.readToEnd()
        } _: { peer in
            let configuration = HTTPConfiguration(caFile: identity.authorityFile)
            try await withEngine(configuration, clock: window) { engine in
                async let first = engine.send(post(peer, scheme: "https").inWindow)
                await isUnderWay.fired()
                window.closeBeforeSending()
                let refused = await engine.send(post(peer, scheme: "https").inWindow)
                isRefused.fire()
                try Self.expectTooLate(refused)
                #expect(try await first.response.status == 200)
                window.open()
                try await engine.succeed(post(peer, scheme: "https").inWindow)
            }
            #expect(peer.connections.count == 1)
            #expect(peer.received.count(of: leaveBody) == 2)
            #expect(peer.faults == [])
        }
    }
}
