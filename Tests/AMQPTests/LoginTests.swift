import Clocks
import Concurrency
import ScriptedPeer
import Testing

@testable import AMQP

/// What can go wrong before a connection is one.
@Suite struct LoginTests {
    private func failure(_ configuration: LinkConfiguration) async throws -> LinkError {
        let session = try BrokerAdmin(configuration)
        let result: Result<Void, LinkError>
        do throws(LinkError) {
            try await session.connect()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await stopped { session.stop() }
        guard case .failure(let error) = result else { throw NeverHappened(what: "a failure") }
        return error
    }

    @Test func theClientSaysWhatItCan() async throws {
        let said = Lock<[UInt8]>([])
        try await RawPeer.serving { peer in
            let startOK = try peer.acceptAMQP()
            said.withLock { $0 = startOK }
            _ = try peer.readToEnd()
        } _: { peer in
            let session = try BrokerAdmin(configuration(peer.port))
            Task { try? await session.connect() }
            try await eventually("start-ok") { !said.withLock { $0 }.isEmpty }
            await stopped { session.stop() }
        }
        let text = String(decoding: said.withLock { $0 }, as: UTF8.self)
        for word in [
            "consumer_cancel_notify", "connection.blocked", "basic.nack", "publisher_confirms",
            "authentication_failure_close", "connection_name", "the test", "PLAIN",
        ] {
            #expect(text.contains(word), "\(word)")
        }
        #expect(said.withLock { $0.count } < 4096)
    }

    @Test func heartbeatsAreAskedForWhereTheBrokerHasThemOff() async throws {
        let asked = Collected<UInt8>()
        try await RawPeer.serving { peer in
            _ = try peer.startAMQP()
            try peer.send(
                AMQPCall(10, 30), channel: 0, AMQPBytes.short(2047) + AMQPBytes.long(131_072) + AMQPBytes.short(0))
            let tuned = try peer.expect(.tuneOK)
            asked.add(tuned.payload.last ?? 0)
        } _: { peer in
            _ = try await failure(configuration(peer.port, heartbeat: .seconds(7)))
        }
        #expect(asked.all == [7])
    }

    @Test func aHandshakeThatNeverComesTimesOut() async throws {
        try await RawPeer.serving { peer in
            _ = try peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(peer.port) { $0.requestTimeout = .milliseconds(300) })
            #expect(error.kind == .timeout)
        }
    }

    @Test func anAnswerThatNeverComesTimesOut() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            _ = try peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(peer.port) { $0.requestTimeout = .milliseconds(300) })
            #expect(error.kind == .timeout)
        }
    }

    @Test(arguments: [(UInt16(403), "ACCESS_REFUSED"), (530, "NOT_ALLOWED - vhost x not found")])
    func aRefusedLoginHasTheBrokersMessage(code: UInt16, message: String) async throws {
        try await RawPeer.serving { peer in
            _ = try peer.startAMQP()
            try peer.closeConnection(code, message)
            _ = try? peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(peer.port))
            #expect(error.kind == .loginRefused)
            #expect(error.message.contains(message))
        }
    }

    @Test func whoeverDoesNotSpeakAMQPIsLeft() async throws {
        try await RawPeer.serving { peer in
            _ = try peer.read(count: 8)
            try peer.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.finish()
            _ = try? peer.readToEnd()
        } _: { peer in
            let error = try await failure(configuration(peer.port))
            #expect([.protocolViolation, .unreachable].contains(error.kind))
        }
    }

    /// A table in a table in a table, as deep as a frame allows: the library recurses.
    @Test func deeplyNestedPropertiesDoNotCrash() async throws {
        var properties: [UInt8] = []
        for _ in 0..<15_000 {
            properties =
                [1, UInt8(ascii: "a"), UInt8(ascii: "F")] + AMQPBytes.long(UInt32(properties.count)) + properties
        }
        let nested = properties
        try await RawPeer.serving { peer in
            _ = try? peer.startAMQP(serverProperties: nested)
            try? peer.closeConnection(320, "enough")
        } _: { peer in
            _ = try await failure(configuration(peer.port) { $0.requestTimeout = .seconds(5) })
        }
    }

    @Test func theNextEndpointIsTried() async throws {
        try await RawPort.refusing { dead in
            try await publishesAtTheNext(after: dead)
        }
    }

    private func publishesAtTheNext(after dead: UInt16) async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            let publish = try peer.readPublish()
            #expect(publish.body == [1])
            try peer.confirm(1)
            _ = try? peer.answering(until: .connectionClose)
            try? peer.send(.connectionCloseOK, channel: 0)
        } _: { peer in
            try await publishing(configuration(dead, peer.port)) { link, reported in
                #expect(await link.publish(message("m")) == .confirmed)
                #expect(reported.losses.count == 1)
            }
        }
    }
}
