import Clocks
import Concurrency
import ScriptedPeer
import Testing

@testable import AMQP

/// What is only offered goes out once, where it is in nobody's way, or not at all.
@Suite struct OfferedTests {
    private func end(_ peer: RawConnection) {
        guard (try? peer.answering(until: .connectionClose)) != nil else { return }
        try? peer.send(.connectionCloseOK, channel: 0)
    }

    /// The byte behind the flags of a message whose other property is its message-id.
    private static func deliveryMode(_ publish: RawConnection.Publish) -> UInt8 { publish.properties[2] }

    private func isDropped(_ count: Int, _ link: PublishingLink) async throws {
        try await eventually("it is dropped") { link.reading.offersDropped == count }
    }

    @Test(arguments: [false, true])
    func itIsTransientNotMandatoryAndNobodyWaitsForIt(overTLS: Bool) async throws {
        let identity = overTLS ? try TLSIdentity() : nil
        defer { identity?.remove() }
        let seen = Collected<String>()
        try await RawPeer.serving { peer in
            if let identity { try peer.startTLS(identity) }
            try peer.acceptAMQP()
            for tag: UInt64 in 1...3 {
                let publish = try peer.readPublish()
                seen.add("\(publish.routingKey) \(Self.deliveryMode(publish)) \(publish.isMandatory)")
                try peer.confirm(tag)
            }
            end(peer)
        } _: { peer in
            let configuration = configuration(peer.port) {
                guard let identity else { return }
                $0.endpoints[0].host = "localhost"
                $0.endpoints[0].tls = TLSConfiguration(caFile: identity.authorityFile)
            }
            try await publishing(configuration) { link, _ in
                #expect(await link.publish(message("m1", key: "first")) == .confirmed)
                link.offer(message("p1", key: "offered"))
                #expect(await link.publish(message("m2", key: "last")) == .confirmed)
                try await eventually("all are confirmed") { link.reading.unconfirmed == 0 }
                #expect((link.reading.offersSent, link.reading.offersDropped) == (1, 0))
            }
        }
        #expect(seen.all == ["first 2 true", "offered 1 false", "last 2 true"])
    }

    @Test func itIsDroppedWhileHalfOfTheWindowIsUnconfirmed() async throws {
        let mayConfirm = try RawSignal()
        let keys = Collected<String>()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            for _ in 1...2 { _ = try peer.readPublish() }
            try mayConfirm.wait()
            try peer.confirm(2, multiple: true)
            for tag: UInt64 in 3...4 {
                keys.add(try peer.readPublish().routingKey)
                try peer.confirm(tag)
            }
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port) { $0.unconfirmedWindow = 4 }) { link, _ in
                async let first = link.publish(message("m1"))
                async let second = link.publish(message("m2"))
                try await eventually("half of the window is unconfirmed") { link.reading.unconfirmed == 2 }
                link.offer(message("p1", key: "dropped"))
                try await isDropped(1, link)
                mayConfirm.fire()
                #expect(await [first, second] == [.confirmed, .confirmed])
                try await eventually("the window is empty") { link.reading.unconfirmed == 0 }
                link.offer(message("p2", key: "sent"))
                #expect(await link.publish(message("m3", key: "after")) == .confirmed)
                #expect((link.reading.offersSent, link.reading.offersDropped) == (1, 1))
            }
        }
        #expect(keys.all == ["sent", "after"])
    }

    @Test func itIsDroppedWhileTheBrokerTakesNothing() async throws {
        let mayGoOn = try RawSignal()
        let keys = Collected<String>()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            keys.add(try peer.readPublish().routingKey)
            try peer.confirm(1)
            try peer.send(AMQPCall(10, 60), channel: 0, AMQPBytes.shortText("low on memory"))
            try mayGoOn.wait()
            try peer.send(AMQPCall(10, 61), channel: 0)
            keys.add(try peer.readPublish().routingKey)
            try peer.confirm(2)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, _ in
                #expect(await link.publish(message("m1", key: "first")) == .confirmed)
                try await eventually("the broker is blocked") { link.reading.isBlocked }
                link.offer(message("p1", key: "dropped"))
                try await isDropped(1, link)
                mayGoOn.fire()
                try await eventually("it is not any more") { !link.reading.isBlocked }
                #expect(await link.publish(message("m2", key: "last")) == .confirmed)
            }
        }
        #expect(keys.all == ["first", "last"])
    }

    @Test func whatALostConnectionLeftOpenIsNotSentAgain() async throws {
        let keys = Collected<String>()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            if peer.number == 0 {
                _ = try peer.readPublish()
                try peer.confirm(1)
                for _ in 2...3 { _ = try peer.readPublish() }
                return peer.reset()
            }
            keys.add(try peer.readPublish().routingKey)
            try peer.confirm(1)
            keys.add(try peer.readPublish().routingKey)
            try peer.confirm(2)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, _ in
                #expect(await link.publish(message("m1")) == .confirmed)
                link.offer(message("p1", key: "offered"))
                #expect(await link.publish(message("m2", key: "again")) == .confirmed)
                #expect(await link.publish(message("m3", key: "last")) == .confirmed)
                #expect(link.reading.reconnects == 1)
            }
        }
        #expect(keys.all == ["again", "last"])
    }

    /// As a broker does that lets nobody write with this routing key.
    @Test func aChannelThatItClosesCostsNobodyElseAnything() async throws {
        let keys = Collected<String>()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            if peer.number == 0 {
                _ = try peer.readPublish()
                try peer.confirm(1)
                // The offered one, and one that somebody waits for.
                for _ in 2...3 { _ = try peer.readPublish() }
                try peer.closeChannel(403, "ACCESS_REFUSED")
                _ = try? peer.readToEnd()
                return
            }
            for tag: UInt64 in 1...2 {
                keys.add(try peer.readPublish().routingKey)
                try peer.confirm(tag)
            }
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, reported in
                #expect(await link.publish(message("m1")) == .confirmed)
                link.offer(message("p1", key: "refused"))
                #expect(await link.publish(message("m2", key: "innocent")) == .confirmed, "it is not the culprit")
                #expect(await link.publish(message("m3", key: "last")) == .confirmed)
                #expect(reported.losses.map(\.kind) == [.channelClosed(403)])
            }
        }
        #expect(keys.all == ["innocent", "last"])
    }

    /// Whose queue refuses it is nobody's business here: another channel would change nothing.
    @Test func aRefusalSaysNothingOfTheChannel() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            for tag: UInt64 in 1...4 {
                _ = try peer.readPublish()
                try tag == 2 || tag == 3 ? peer.refuse(tag) : peer.confirm(tag)
            }
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port) { $0.refusalTimeout = .zero }) { link, reported in
                #expect(await link.publish(message("m1")) == .confirmed)
                link.offer(message("p1", key: "full"))
                link.offer(message("p2", key: "full"))
                #expect(await link.publish(message("m2")) == .confirmed)
                #expect(reported.connections == 1 && reported.losses.isEmpty)
            }
        }
    }

    @Test func rules() {
        var rules = OfferRules()
        let start = MonotonicTime(nanoseconds: 0)
        func may(_ unconfirmed: Int, window: Int = 4, isBlocked: Bool = false, after time: Duration = .zero) -> Bool {
            rules.mayOffer(unconfirmed: unconfirmed, window: window, isBlocked: isBlocked, at: start + time)
        }
        #expect(!may(0), "there is no connection")
        rules.begin()
        #expect(may(1) && !may(2) && !may(0, isBlocked: true))
        #expect(!may(0, window: 1), "a culprit is looked for")
        rules.lost(hasOffered: true, .unreachable, at: start)
        #expect(!may(0))
        rules.begin()
        #expect(may(0), "the network's fault is nobody's")
        rules.lost(hasOffered: false, .channelClosed(404), at: start)
        rules.begin()
        #expect(may(0), "it was another's")
        rules.lost(hasOffered: true, .channelClosed(403), at: start)
        rules.begin()
        #expect(!may(0, after: OfferRules.pause - .seconds(1)) && may(0, after: OfferRules.pause))
    }
}
