import Clocks
import Concurrency
import ScriptedPeer
import Testing

@testable import AMQP

/// The consuming link against a broker that follows a script.
@Suite struct ConsumingTests {
    private func end(_ peer: RawConnection) {
        while let frame = try? peer.readAMQPFrame() {
            guard let call = frame.call else { continue }
            try? peer.answer(frame, call)
            if call == .connectionClose { return }
        }
    }

    @Test func aTextThatIsNoUTF8StaysShortEnoughToGoOutAgain() async throws {
        try await RawPeer.serving { peer in
            try consumed(peer)
            try peer.deliver(tag: 1, consumer: "q")
            // Bit 7 of the flags is message-id.
            let text = [UInt8](repeating: 0xFF, count: 255)
            try peer.contentHeader(size: 0, properties: AMQPBytes.short(1 << 7) + [255] + text)
            end(peer)
        } _: { peer in
            try await consuming(configuration(peer.port)) { _, reported in
                try await eventually("it has come") { reported.messages.count == 1 }
                let id = reported.messages.first?.properties.messageID
                #expect(id == String(repeating: "\u{FFFD}", count: 85))
                #expect(PublishingBehaviour.fault(in: message(id ?? "")) == nil)
            }
        }
    }

    @Test func acksBecomeOneAndAbandonedDeliveriesGoBack() async throws {
        let settled = Collected<(AMQPCall, UInt64, UInt8)>()
        try await RawPeer.serving { peer in
            try consumed(peer)
            for tag: UInt64 in 1...5 { try peer.deliver([UInt8(tag)], tag: tag, consumer: "q") }
            while let frame = try? peer.readAMQPFrame() {
                guard let call = frame.call else { continue }
                if call == .ack || call == .nack {
                    settled.add((call, AMQPBytes.readLonglong(frame.payload[4...]), frame.payload[12]))
                }
                try? peer.answer(frame, call)
                if call == .connectionClose { return }
            }
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("all have come") { reported.messages.count == 5 }
                let messages = reported.messages
                #expect(messages.map(\.queue) == Array(repeating: "q", count: 5))
                for message in messages[..<4].reversed() { Delivery(of: message, settler: link).ack() }
                do { _ = Delivery(of: messages[4], settler: link) }
                try await eventually("the forgotten one is back") {
                    settled.all.contains { $0.0 == .nack && $0.1 == 5 && $0.2 & 2 == 2 }
                }
                #expect(link.reading.abandonedDeliveries == 1)
            }
        }
        let acks = settled.all.filter { $0.0 == .ack }
        var covered: Set<UInt64> = []
        for ack in acks { covered.formUnion(ack.2 == 1 ? Set(1...ack.1) : [ack.1]) }
        #expect(covered == [1, 2, 3, 4])
    }

    @Test func aSettlementOfAnOlderConnectionIsACountedNoOp() async throws {
        let mayReset = try RawSignal()
        let strays = Collected<AMQPCall>()
        try await RawPeer.serving { peer in
            try consumed(peer)
            try peer.deliver([7], tag: 1, consumer: "q")
            if peer.number == 0 {
                try mayReset.wait()
                return peer.reset()
            }
            while let frame = try? peer.readAMQPFrame() {
                guard let call = frame.call else { continue }
                if call == .ack || call == .nack { strays.add(call) }
                try? peer.answer(frame, call)
                if call == .connectionClose { return }
            }
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("the delivery has come") { reported.messages.count == 1 }
                let old = reported.messages[0]
                mayReset.fire()
                try await eventually("it has come again") { reported.messages.count == 2 }
                let again = reported.messages[1]
                #expect(again.tag.number == old.tag.number && again.tag.generation > old.tag.generation)
                Delivery(of: old, settler: link).ack()
                try await eventually("it is counted") { link.reading.staleSettlements == 1 }
                await withCheckedContinuation { done in link.ping { done.resume() } }
                #expect(strays.all.isEmpty, "the broker was told nothing about the new delivery")
                Delivery(of: again, settler: link).ack()
                try await eventually("the new one is acked") { strays.all == [.ack] }
            }
        }
    }

    @Test func framesOfAnotherChannelAndAnUnfinishedMessageHoldNothingUp() async throws {
        let mayGoOn = try RawSignal()
        try await RawPeer.serving { peer in
            try consumed(peer)
            try peer.deliver(tag: 9, consumer: "q", channel: 5)
            try peer.contentHeader(size: 1, channel: 5)
            try peer.content([1], channel: 5)
            try peer.deliver(tag: 1, consumer: "q")
            try peer.contentHeader(size: 2)
            try peer.content([1])
            try mayGoOn.wait()
            try peer.content([2])
            end(peer)
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("it consumes") { !reported.generations.isEmpty }
                // The link's thread answers although a message is half here.
                await withCheckedContinuation { done in link.ping { done.resume() } }
                #expect(reported.messages.isEmpty)
                mayGoOn.fire()
                try await eventually("the message is whole") { reported.messages.count == 1 }
                guard case .complete([1, 2]) = reported.messages[0].body else {
                    Issue.record("another body")
                    return
                }
                #expect(reported.losses.isEmpty)
            }
        }
    }

    @Test func aSizeThatIsALieAllocatesNothing() async throws {
        try await RawPeer.serving { peer in
            try consumed(peer)
            if peer.number == 0 {
                try peer.deliver(tag: 1, consumer: "q")
                try peer.contentHeader(size: 1 << 60)
                try peer.content([1])
                return peer.finish()
            }
            try peer.deliver([2], tag: 1, consumer: "q")
            end(peer)
        } _: { peer in
            try await consuming(configuration(peer.port)) { _, reported in
                try await eventually("the next connection delivers") { reported.messages.count == 1 }
            }
        }
    }

    @Test(arguments: [UInt16(406), 404, 541])
    func aClosedChannelIsAnsweredAndItsMessageIsKept(code: UInt16) async throws {
        let isAnswered = Lock(false)
        try await RawPeer.serving { peer in
            try consumed(peer)
            guard peer.number == 0 else { return end(peer) }
            try peer.closeChannel(code, "PRECONDITION_FAILED - delivery acknowledgement timed out")
            _ = try peer.answering(until: .channelCloseOK)
            isAnswered.withLock { $0 = true }
            end(peer)
        } _: { peer in
            try await consuming(configuration(peer.port)) { _, reported in
                try await eventually("it consumes again") { reported.generations.count == 2 }
                #expect(reported.losses.first?.kind == .channelClosed(Int(code)))
                #expect(reported.losses.first?.message.contains("acknowledgement timed out") == true)
            }
        }
        #expect(isAnswered.withLock { $0 })
    }

    @Test func aClosedConnectionIsAnsweredAndRemade() async throws {
        let isAnswered = Lock(false)
        try await RawPeer.serving { peer in
            try consumed(peer)
            guard peer.number == 0 else { return end(peer) }
            try peer.closeConnection(320, "CONNECTION_FORCED - maintenance")
            _ = try peer.answering(until: .connectionCloseOK)
            isAnswered.withLock { $0 = true }
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("it consumes again") { reported.generations.count == 2 }
                #expect(reported.losses.first?.kind == .connectionClosed(320))
                #expect(reported.losses.first?.message.contains("maintenance") == true)
                #expect(link.reading.reconnects == 1)
            }
        }
        #expect(isAnswered.withLock { $0 })
    }

    @Test func aConsumerThatTheBrokerEndsIsMadeAnew() async throws {
        try await RawPeer.serving { peer in
            try consumed(peer)
            if peer.number == 0 { try peer.send(.cancel, AMQPBytes.shortText("q") + [1]) }
            end(peer)
        } _: { peer in
            try await consuming(configuration(peer.port)) { _, reported in
                try await eventually("it consumes again") { reported.generations.count == 2 }
                #expect(reported.losses.first?.kind == .consumerCancelled)
            }
        }
    }

    @Test func aQueueOfAnotherIsWaitedFor() async throws {
        let refusals = Lock(0)
        try await RawPeer.serving { peer in
            try peer.acceptAMQP(heartbeat: 1)
            while true {
                let declare = try peer.answering(until: .queueDeclare)
                let isRefused = refusals.withLock { count in
                    count += 1
                    return count <= 2
                }
                guard isRefused else {
                    try peer.answer(declare, .queueDeclare)
                    break
                }
                try peer.closeChannel(405, "RESOURCE_LOCKED")
                _ = try peer.answering(until: .channelCloseOK)
            }
            end(peer)
        } _: { peer in
            let reported = Collected<ConsumingEvent>()
            let link = try ConsumingLink(
                configuration(peer.port, heartbeat: .seconds(1)), privateQueue: PrivateQueue(name: "worker")
            ) { reported.add($0) }
            link.consume([ConsumedQueue(name: "q", prefetch: 1)])
            try await eventually("it consumes at last") { !reported.generations.isEmpty }
            let standbys = reported.all.count { if case .standby = $0 { true } else { false } }
            // A machine that is busy may miss a second's heartbeat, and nothing else costs the connection.
            let losses = reported.losses
            #expect(losses.allSatisfy { $0.kind == .heartbeatMissed })
            #expect(standbys >= 1 && standbys <= 1 + losses.count, "said once")
            #expect(peer.connections.count == 1 + losses.count, "on the same connection")
            await stopped { link.stop() }
        }
    }

    @Test(arguments: [
        [UInt8](repeating: 0xff, count: 64),
        // A frame whose end octet is wrong, and a method that nobody knows.
        [1, 0, 1, 0, 0, 0, 4, 0, 60, 0, 60, 0x00],
        [1, 0, 1, 0, 0, 0, 4, 0, 99, 0, 99, 0xce],
    ])
    func junkOnlyCostsTheConnection(junk: [UInt8]) async throws {
        let isFirst = Lock(true)
        try await RawPeer.serving { peer in
            // Not every connection gets so far within half a second.
            try consumed(peer)
            let getsJunk = isFirst.withLock { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            if getsJunk { try peer.write(junk) }
            end(peer)
        } _: { peer in
            try await consuming(configuration(peer.port) { $0.requestTimeout = .milliseconds(500) }) { _, reported in
                try await eventually("it consumes again") { reported.generations.count >= 2 }
                #expect(reported.losses.count >= 1)
            }
        }
    }
}
