import Clocks
import ScriptedPeer
import Testing

@testable import AMQP

/// Other queues are consumed while the link works: deliveries of the old channel and the new one are never mixed up.
@Suite struct ChangedQueuesTests {
    @Test func otherQueuesAreConsumedOnAFreshChannelOnceWhatIsInFlightIsSettled() async throws {
        let consumers = Collected<String>()
        let cancelled = try RawSignal()
        try await RawPeer.serving { peer in
            try consumed(peer)
            try peer.deliver([1], tag: 1, consumer: "q")
            while let frame = try? peer.readAMQPFrame() {
                guard let call = frame.call else { continue }
                switch call {
                case .cancel: cancelled.fire()
                case .ack: consumers.add("ack")
                case .channelClose: consumers.add("close")
                case .consume: consumers.add(AMQPBytes.readShortText(frame.payload[6...]))
                default: break
                }
                try? peer.answer(frame, call)
                if call == .connectionClose { return }
            }
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("a message is in hand") { reported.messages.count == 1 }
                link.consume([ConsumedQueue(name: "other", prefetch: 1)])
                await cancelled.fired()
                await withCheckedContinuation { done in link.ping { done.resume() } }
                #expect(consumers.all.isEmpty, "the channel stays while a delivery of it is in hand")
                Delivery(of: reported.messages[0], settler: link).ack()
                try await eventually("the other queue is consumed") { consumers.all.count == 3 }
                #expect(consumers.all == ["ack", "close", "other"])
            }
        }
    }

    @Test func whatIsOnItsWayWhenTheQueuesChangeIsTakenBeforeTheChannelCloses() async throws {
        let happened = Collected<String>()
        try await RawPeer.serving { peer in
            try consumed(peer)
            while let frame = try? peer.readAMQPFrame() {
                guard let call = frame.call else { continue }
                switch call {
                case .cancel: try? peer.deliver([1], tag: 1, consumer: "q")
                case .ack: happened.add("ack")
                case .channelClose: happened.add("close")
                case .consume: happened.add(AMQPBytes.readShortText(frame.payload[6...]))
                default: break
                }
                try? peer.answer(frame, call)
                if call == .connectionClose { return }
            }
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("it consumes") { reported.generations.count == 1 }
                link.consume([ConsumedQueue(name: "other", prefetch: 1)])
                try await eventually("the late message came") { reported.messages.count == 1 }
                Delivery(of: reported.messages[0], settler: link).ack()
                try await eventually("the other queue is consumed") { happened.all.count == 3 }
                #expect(happened.all == ["ack", "close", "other"])
            }
        }
    }

    /// Its tag is that of the first delivery of the next channel: acked there, it would be another message's end.
    @Test func whatAClosedChannelStillBroughtIsNobodys() async throws {
        let channels = Collected<Int>()
        try await RawPeer.serving { peer in
            try consumed(peer)
            while let frame = try? peer.readAMQPFrame() {
                guard let call = frame.call else { continue }
                if call == .channelClose { try? peer.deliver([1], tag: 1, consumer: "q") }
                try? peer.answer(frame, call)
                if call == .consume {
                    channels.add(1)
                    try? peer.deliver([2], tag: 1, consumer: "other")
                }
                if call == .connectionClose { return }
            }
        } _: { peer in
            try await consuming(configuration(peer.port)) { link, reported in
                try await eventually("it consumes") { reported.generations.count == 1 }
                link.consume([ConsumedQueue(name: "other", prefetch: 1)])
                try await eventually("the other queue's message came") { !reported.messages.isEmpty }
                await withCheckedContinuation { done in link.ping { done.resume() } }
                #expect(reported.messages.map(\.queue) == ["other"])
                #expect(Set(reported.messages.map(\.tag)).count == reported.messages.count)
            }
        }
    }
}
