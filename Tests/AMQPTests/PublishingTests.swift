import Clocks
import Concurrency
import ScriptedPeer
import Testing

@testable import AMQP

/// The publishing link against a broker that follows a script.
@Suite struct PublishingTests {
    private func end(_ peer: RawConnection) {
        guard (try? peer.answering(until: .connectionClose)) != nil else { return }
        try? peer.send(.connectionCloseOK, channel: 0)
    }

    @Test func confirmsRefusalsAndReturnsAreDistinguished() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            for _ in 1...5 { _ = try peer.readPublish() }
            // Out of order, single and multiple; the return comes before its ack.
            try peer.refuse(4)
            try peer.giveBack(messageID: "m2", routingKey: "q")
            try peer.confirm(3, multiple: true)
            try peer.confirm(5)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, _ in
                let outcomes = await outcomes(link, 5)
                #expect(
                    outcomes == [
                        .confirmed, .unroutable(code: 312, text: "NO_ROUTE"), .confirmed, .refused, .confirmed,
                    ])
            }
        }
    }

    /// In order, because the link's mailbox keeps it, and each task has posted before it waits for the first time.
    private func outcomes(_ link: PublishingLink, _ count: Int) async -> [PublishOutcome] {
        let answers = Collected<(Int, PublishOutcome)>()
        await withTaskGroup(of: Void.self) { group in
            for number in 1...count {
                group.addImmediateTask { answers.add((number, await link.publish(message("m\(number)")))) }
            }
        }
        return answers.all.sorted { $0.0 < $1.0 }.map(\.1)
    }

    @Test func whatALostConnectionLeftOpenIsPublishedAgainUnderItsMessageID() async throws {
        let seen = Lock<[[String]]>([[], []])
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            let round = peer.number
            for _ in 1...3 {
                let publish = try peer.readPublish()
                // After the flags, the one short text.
                let id = AMQPBytes.readShortText(publish.properties.drop { $0 != UInt8("m1".utf8.count) })
                seen.withLock { $0[min(round, 1)].append(id) }
            }
            guard round > 0 else { return peer.reset() }
            try peer.confirm(3, multiple: true)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, reported in
                #expect(await outcomes(link, 3) == [.confirmed, .confirmed, .confirmed])
                #expect(reported.losses.count == 1)
                #expect(link.reading.reconnects == 1)
            }
        }
        let rounds = seen.withLock { $0 }
        #expect(rounds[0].count == 3 && rounds[0] == rounds[1])
    }

    @Test func noMoreThanTheWindowIsUnconfirmed() async throws {
        let sent = Lock(0)
        let mayConfirm = try RawSignal()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            for _ in 1...4 {
                _ = try peer.readPublish()
                sent.withLock { $0 += 1 }
            }
            try mayConfirm.wait()
            try peer.confirm(4, multiple: true)
            for tag: UInt64 in 5...10 {
                _ = try peer.readPublish()
                sent.withLock { $0 += 1 }
                try peer.confirm(tag)
            }
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port) { $0.unconfirmedWindow = 4 }) { link, _ in
                async let all = outcomes(link, 10)
                try await eventually("the window is full") { link.reading.unconfirmed == 4 }
                // The link comes round again and still sends nothing.
                await withCheckedContinuation { done in link.ping { done.resume() } }
                #expect(link.reading.unconfirmed == 4)
                #expect(sent.withLock { $0 } <= 4)
                mayConfirm.fire()
                #expect(await all.allSatisfy { $0 == .confirmed })
            }
        }
    }

    @Test func whatCannotBeSentIsRefusedBeforeAByteIsSent() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            _ = try peer.readPublish()
            try peer.confirm(1)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, reported in
                var headers = FieldTable()
                headers.append("h", .string([UInt8](repeating: 7, count: 20_000)))
                let huge = message("huge") { $0.headers = headers }
                guard case .invalid = await link.publish(huge) else {
                    Issue.record("headers that fit no frame were sent")
                    return
                }
                guard case .invalid = await link.publish(message(String(repeating: "x", count: 256))) else {
                    Issue.record("a short text of 256 bytes was sent")
                    return
                }
                let long = message("m") { $0.expiration = String(repeating: "1", count: 256) }
                #expect(await link.publish(long) == .invalid("its expiration is longer than 255 bytes"))
                #expect(await link.publish(message("m")) == .confirmed)
                #expect(reported.connections == 1, "the channel is as it was")
            }
        }
    }

    /// The protocol's least frame_max. Over TLS the library sends, and would have sent the method already.
    @Test(arguments: [false, true])
    func aMessageThatFitsNoFrameIsRefusedAloneAndUsesNoNumber(overTLS: Bool) async throws {
        let identity = overTLS ? try TLSIdentity() : nil
        defer { identity?.remove() }
        let keys = Collected<String>()
        try await RawPeer.serving { peer in
            if let identity { try peer.startTLS(identity) }
            try peer.acceptAMQP(frameMax: 4096)
            var tag: UInt64 = 0
            while let publish = try? peer.readPublish() {
                tag += 1
                keys.add(publish.routingKey)
                // A number that the large one had used would be answered with the refusal.
                try tag == 2 ? peer.refuse(tag) : peer.confirm(tag)
            }
        } _: { peer in
            let configuration = configuration(peer.port) {
                guard let identity else { return }
                // The library compares a certificate with names only.
                $0.endpoints[0].host = "localhost"
                $0.endpoints[0].tls = TLSConfiguration(caFile: identity.authorityFile)
            }
            try await publishing(configuration) { link, reported in
                let isOver = Lock(false)
                // What is published again and again would never be answered.
                async let watch: Void = {
                    try await eventually("an end") { isOver.withLock { $0 } || !reported.losses.isEmpty }
                    if !isOver.withLock({ $0 }) { await stopped { link.stop() } }
                }()
                let large = message("large", key: "large") {
                    $0.headers = FieldTable()
                    $0.headers?.append("h", .string([UInt8](repeating: 7, count: 5_000)))
                }
                let long = [UInt8](repeating: 1, count: 9_000)
                async let before = link.publish(message("one", key: "before", body: long))
                async let refused = link.publish(large)
                async let after = link.publish(message("two", key: "after"))
                let outcomes = await (before, refused, after)
                #expect(Set([outcomes.0, outcomes.2].map { "\($0)" }) == ["confirmed", "refused"])
                // Flags 2, delivery mode 1, message-id 6, headers 5011, frame 20.
                let refusal = "its header takes a frame of 5040 bytes, and the broker's frame_max is 4096"
                #expect(outcomes.1 == .invalid(refusal))
                #expect(await link.publish(message("three", key: "last")) == .confirmed)
                #expect(reported.connections == 1 && reported.losses.isEmpty, "the link stays as it is")
                try await eventually("nothing is open") { link.reading.unconfirmed == 0 }
                isOver.withLock { $0 = true }
                try await watch
            }
        }
        #expect(Set(keys.all.prefix(2)) == ["before", "after"] && keys.all.dropFirst(2) == ["last"])
    }

    @Test func aPeerThatGoesSilentIsGivenUp() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP(heartbeat: 1)
            _ = try peer.readPublish()
            guard peer.number > 0 else {
                // Not a byte more, while the connection stays.
                _ = try? peer.readToEnd()
                return
            }
            try peer.confirm(1)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port, heartbeat: .seconds(1))) { link, reported in
                #expect(await link.publish(message("m")) == .confirmed)
                // A machine that is busy may miss a second's heartbeat once more.
                #expect(!reported.losses.isEmpty && reported.losses.allSatisfy { $0.kind == .heartbeatMissed })
            }
        }
    }

    @Test func aPeerThatStopsReadingDoesNotHoldTheLinkForEver() async throws {
        let isGivenUp = try RawSignal()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP(heartbeat: 1)
            guard peer.number > 0 else {
                _ = try peer.readPublish()
                try isGivenUp.wait()
                return
            }
            for tag: UInt64 in 1...40 {
                _ = try peer.readPublish()
                try peer.confirm(tag)
            }
            end(peer)
        } _: { peer in
            let configuration = configuration(peer.port, heartbeat: .seconds(1)) {
                $0.requestTimeout = .milliseconds(500)
            }
            try await publishing(configuration) { link, reported in
                let big = [UInt8](repeating: 1, count: 1 << 20)
                let answers = await withTaskGroup(of: PublishOutcome.self) { group in
                    for number in 1...40 { group.addTask { await link.publish(message("m\(number)", body: big)) } }
                    group.addTask {
                        try? await eventually("the link gives it up") { !reported.losses.isEmpty }
                        isGivenUp.fire()
                        return .confirmed
                    }
                    return await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.allSatisfy { $0 == .confirmed })
            }
        }
    }

    @Test func aBrokerThatConfirmsNothingIsLeft() async throws {
        let isAlive = Lock(true)
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            _ = try peer.readPublish()
            if peer.number == 0 {
                // It lives, as its heartbeats show, and does not answer.
                while isAlive.withLock({ $0 }) {
                    try? peer.write(AMQPPeerFrame(type: AMQPPeerFrame.heartbeat, channel: 0, payload: []).bytes)
                    guard (try? peer.readAMQPFrame()) != nil else { return }
                }
                return
            }
            try peer.confirm(1)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port) { $0.confirmTimeout = .milliseconds(300) }) {
                link, reported in
                #expect(await link.publish(message("m")) == .confirmed)
                #expect(reported.losses.first?.kind == .timeout)
            }
            isAlive.withLock { $0 = false }
        }
    }

    @Test func aBlockedConnectionSendsNothingAndSaysSo() async throws {
        let mayUnblock = try RawSignal()
        let seen = Lock(0)
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            _ = try peer.readPublish()
            try peer.send(AMQPCall(10, 60), channel: 0, AMQPBytes.shortText("low on memory"))
            try peer.confirm(1)
            try mayUnblock.wait()
            #expect(seen.withLock { $0 } == 0)
            try peer.send(AMQPCall(10, 61), channel: 0)
            _ = try peer.readPublish()
            try peer.confirm(2)
            end(peer)
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, reported in
                #expect(await link.publish(message("m1")) == .confirmed)
                try await eventually("it is told") {
                    reported.all.contains { if case .blocked("low on memory") = $0 { true } else { false } }
                }
                async let second = link.publish(message("m2"))
                await withCheckedContinuation { done in link.ping { done.resume() } }
                #expect(link.reading.isBlocked && link.reading.unconfirmed == 0)
                mayUnblock.fire()
                #expect(await second == .confirmed)
            }
        }
    }

    @Test func oneRefusedExchangeIsFoundAmongOthers() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            var tag: UInt64 = 0
            while let publish = try? peer.readPublish() {
                tag += 1
                guard publish.routingKey != "forbidden" else {
                    try peer.closeChannel(403, "ACCESS_REFUSED")
                    _ = try peer.answering(until: .channelCloseOK)
                    return
                }
                try peer.confirm(tag)
            }
        } _: { peer in
            try await publishing(configuration(peer.port)) { link, _ in
                async let bad = link.publish(message("bad", key: "forbidden"))
                async let one = link.publish(message("one"))
                async let two = link.publish(message("two"))
                #expect(await bad == .unroutable(code: 403, text: "ACCESS_REFUSED"))
                #expect(await one == .confirmed)
                #expect(await two == .confirmed)
            }
        }
    }

    @Test func stoppingAnswersWhatIsOpenAsUnknown() async throws {
        let isRead = try RawSignal()
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            _ = try peer.readPublish()
            isRead.fire()
            end(peer)
        } _: { peer in
            let link = try PublishingLink(configuration(peer.port)) { _ in }
            async let open = link.publish(message("m"))
            try await eventually("it is sent") { link.reading.unconfirmed == 1 }
            await stopped { link.stop() }
            #expect(await open == .unknown)
            #expect(await link.publish(message("later")) == .unknown)
        }
    }
}
