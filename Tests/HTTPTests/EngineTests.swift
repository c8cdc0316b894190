import Glibc
import HTTP
import ScriptedPeer
import Testing

@Suite(.timeLimit(.minutes(30))) struct EngineTests {
    static let answering: RawPeer.Script = { connection in
        do {
            while true {
                _ = try connection.readRequest()
                try connection.answer(body: Array("{}".utf8))
            }
        } catch RawPeerFault.ended {}
    }

    @Test func twoHundredAtOnceAreAllAnsweredOnNoMoreConnectionsThanAllowed() async throws {
        try await RawPeer.serving(Self.answering) { peer in
            try await withEngine(HTTPConfiguration(maxConnections: 16)) { engine in
                try await withThrowingTaskGroup { group in
                    for _ in 0..<200 { group.addTask { try await engine.succeed(post(peer)) } }
                    try await group.waitForAll()
                }
            }
            #expect(peer.received.count(of: leaveBody) == 200)
            #expect((1...16).contains(peer.connections.count))
        }
    }

    @Test func oneThatHangsHoldsUpNoOther() async throws {
        let hangs = try RawSignal()
        try await RawPeer.serving { connection in
            let request = try connection.readRequest()
            if request.requestLine.contains("hang") {
                hangs.fire()
                try connection.readToEnd()
            } else {
                try connection.answer()
                try connection.readToEnd()
            }
        } _: { peer in
            try await withEngine { engine in
                async let hanging = engine.send(
                    HTTPRequest(.post, url: "http://127.0.0.1:\(peer.port)/hang"))
                await hangs.fired()
                try await engine.succeed(post(peer))
                engine.stop()
                #expect(try await hanging.ambiguousFault.kind == .stopped)
            }
        }
    }

    @Test func whoWaitsForAFreePlaceInVainIsNotSent() async throws {
        let hangs = try RawSignal()
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            hangs.fire()
            try connection.readToEnd()
        } _: { peer in
            let configuration = HTTPConfiguration(connectTimeout: .milliseconds(200), maxConnections: 1)
            try await withEngine(configuration) { engine in
                async let first = engine.send(post(peer))
                await hangs.fired()
                async let second = engine.send(post(peer))
                let third = try await engine.send(post(peer)).notSentFault
                #expect(third.kind == .congested)
                let kind = try await second.notSentFault.kind
                #expect(kind == .congested)
                engine.stop()
                let end = try await first.ambiguousFault.kind
                #expect(end == .stopped)
            }
            #expect(peer.received.count(of: leaveBody) == 1)
        }
    }

    @Test func stoppingEndsWhatIsInFlightByWhatWasSent() async throws {
        try await withSilentPeer { peer, arrived in
            try await RawPort.stalling { port in
                let engine = try HTTPEngine(HTTPConfiguration(maxConnections: 2))
                async let sent = engine.send(post(peer))
                await arrived.fired()
                async let connecting = engine.send(NotSentTests.request(port: port))
                async let waiting = engine.send(post(peer))
                // Comes round after those before it, so the engine has taken them.
                await withCheckedContinuation { reply in engine.ping { reply.resume() } }
                engine.stop()
                #expect(try await sent.ambiguousFault.kind == .stopped)
                #expect(try await connecting.notSentFault.kind == .stopped)
                #expect(try await waiting.notSentFault.kind == .stopped)
                #expect(peer.received.count(of: leaveBody) == 1)
            }
        }
    }

    @Test func aStoppedEngineSendsNothingAndStopsOnlyOnce() async throws {
        let engine = try HTTPEngine(HTTPConfiguration())
        engine.stop()
        engine.stop()
        #expect(try await engine.send(NotSentTests.request(port: 1)).notSentFault.kind == .stopped)
        await withCheckedContinuation { reply in engine.ping { reply.resume() } }
    }

    @Test func aPingIsAnsweredByTheIdleAndByTheBusyEngine() async throws {
        try await withSilentPeer { peer, arrived in
            try await withEngine { engine in
                await withCheckedContinuation { reply in engine.ping { reply.resume() } }
                async let busy = engine.send(post(peer))
                await arrived.fired()
                await withCheckedContinuation { reply in engine.ping { reply.resume() } }
                engine.stop()
                _ = await busy
            }
        }
    }

    @Test func aCancelledTaskStillHearsTheAnswer() async throws {
        let arrived = try RawSignal()
        let isCancelled = try RawSignal()
        try await RawPeer.serving { connection in
            _ = try connection.readRequest()
            arrived.fire()
            try isCancelled.wait()
            try connection.answer()
            try connection.readToEnd()
        } _: { peer in
            try await withEngine { engine in
                let task = Task { await engine.send(post(peer)) }
                await arrived.fired()
                task.cancel()
                isCancelled.fire()
                let status = try await task.value.response.status
                #expect(status == 200)
            }
        }
    }

    /// What libcurl finishes at once it takes no time back for: a deadline that is kept would turn the loop for ever.
    @Test func anEngineWithNothingToDoRests() async throws {
        try await withEngine { engine in
            let request = HTTPRequest(.get, url: "http://127.0.0.1:99999999/")
            #expect(try await engine.send(request).notSentFault.kind == .invalidRequest)
            let before = await Self.processorTime(of: engine)
            // The silence is the time that another engine waits for its answer.
            let fault = try await exchange({ post($0) }, HTTPConfiguration(timeout: .milliseconds(500))) {
                _ = try $0.readRequest()
                try $0.readToEnd()
            }.ambiguousFault
            #expect(fault.kind == .timeout)
            let spent = await Self.processorTime(of: engine) - before
            #expect(spent < .milliseconds(20))
        }
    }

    /// Of the engine's thread, which answers the ping.
    static func processorTime(of engine: HTTPEngine) async -> Duration {
        await withCheckedContinuation { reply in
            engine.ping {
                var time = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                reply.resume(returning: .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec))
            }
        }
    }
}
