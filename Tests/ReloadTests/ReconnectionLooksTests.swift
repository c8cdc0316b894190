import Clocks
import Testing

@testable import Daemon

/// What a daemon whose ledger is a file makes of consumers that it counts beside its own after a reconnection.
@Suite struct ReconnectionLooksTests {
    private func now(_ second: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: second * 1_000_000_000) }

    @Test func whoIsSeenOnceMayBeItsOwnLastConsumer() {
        var looks = ReconnectionLooks(at: now(100))
        #expect(looks.note(isSeen: true, at: now(103)) == .again(after: .seconds(2), holds: false))
        #expect(looks.note(isSeen: false, at: now(105)) == .over(isSeen: false))
    }

    @Test func whoIsSeenAgainHoldsItUntilTheyAreGone() {
        var looks = ReconnectionLooks(at: now(100))
        _ = looks.note(isSeen: true, at: now(103))
        #expect(looks.note(isSeen: true, at: now(105)) == .again(after: .seconds(10), holds: true))
        #expect(looks.note(isSeen: true, at: now(115)) == .again(after: .seconds(10), holds: true))
        #expect(looks.note(isSeen: false, at: now(125)) == .over(isSeen: false))
    }

    @Test func whatIsCountedForEverHoldsItForAMinuteAndAHalf() {
        var looks = ReconnectionLooks(at: now(100))
        _ = looks.note(isSeen: true, at: now(103))
        #expect(looks.note(isSeen: true, at: now(189)) == .again(after: .seconds(10), holds: true))
        #expect(looks.note(isSeen: true, at: now(190)) == .over(isSeen: true))
    }
}
