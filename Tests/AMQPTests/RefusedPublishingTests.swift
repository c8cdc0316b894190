import Clocks
import ScriptedPeer
import Testing

@testable import AMQP

/// What becomes of publications that a channel has refused.
@Suite struct RefusedPublishingTests {
    private let full = Publication(exchange: "results", routingKey: "left", properties: Properties(), body: [])
    private let other = Publication(exchange: "", routingKey: "retry", properties: Properties(), body: [])
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private var refusals = ChannelRefusals(timeout: .seconds(5))

    private func after(_ seconds: Int) -> MonotonicTime { start + .seconds(seconds) }

    @Test func aChannelIsGivenUpOnceAllHasBeenRefusedForLong() {
        var refusals = refusals
        #expect(refusals.refused(full, at: after(0)) == nil, "one refusal says nothing")
        #expect(refusals.refused(full, at: after(4)) == nil)
        #expect(refusals.refused(full, at: after(5)) == .seconds(5))
    }

    @Test func whatElseTheChannelConfirmsIsNoExcuse() {
        var refusals = refusals
        #expect(refusals.refused(full, at: after(0)) == nil)
        refusals.confirmed(other)
        #expect(refusals.refused(full, at: after(6)) != nil)
    }

    @Test func whatItConfirmsThereIsOne() {
        var refusals = refusals
        #expect(refusals.refused(full, at: after(0)) == nil)
        refusals.confirmed(full)
        #expect(refusals.refused(full, at: after(6)) == nil)
    }

    @Test func aQueueThatIsFullCostsFewerAndFewerChannels() {
        var refusals = refusals
        var (now, given) = (start, [Int]())
        for _ in 0..<1_000 {
            if let time = refusals.refused(full, at: now) {
                given.append(Int(time.inSeconds))
                refusals.begin()
            }
            now = now + .seconds(1)
        }
        #expect(given == [5, 10, 20, 40, 80, 160, 300, 300])
        refusals.confirmed(full)
        #expect(refusals.refused(full, at: now) == nil)
        #expect(refusals.refused(full, at: now + .seconds(5)) != nil, "and begins anew once it takes something")
    }

    @Test func theNextChannelIsAskedAndHasItsOwnAnswer() async throws {
        try await RawPeer.serving { peer in
            try peer.acceptAMQP()
            var tag: UInt64 = 0
            while let _ = try? peer.readPublish() {
                tag += 1
                try peer.number == 0 ? peer.refuse(tag) : peer.confirm(tag)
            }
        } _: { peer in
            try await publishing(configuration(peer.port) { $0.refusalTimeout = .zero }) { link, reported in
                #expect(await link.publish(message("m1")) == .refused)
                #expect(await link.publish(message("m1")) == .refused)
                #expect(await link.publish(message("m1")) == .confirmed)
                #expect(reported.losses.map(\.kind) == [.timeout] && reported.connections == 2)
            }
        }
    }
}
