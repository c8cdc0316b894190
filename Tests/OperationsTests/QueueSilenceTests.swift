import Testing

@testable import Operations

/// When a look at a queue asks whether there is anything left.
@Suite struct QueueSilenceTests {
    private static func pass(_ seconds: Int, _ silence: inout QueueLook.Silence) -> Bool {
        (0..<seconds).reduce(false) { _, _ in silence.secondPassed() }
    }

    @Test func itIsAskedWhenNothingCameForLong() {
        var silence = QueueLook.Silence()
        #expect(!Self.pass(QueueLook.Silence.longest, &silence))
        #expect(Self.pass(1, &silence))
        #expect(Self.pass(1, &silence), "and each second from then on")
    }

    @Test func aMessageBeginsItAnew() {
        var silence = QueueLook.Silence()
        #expect(!Self.pass(QueueLook.Silence.longest, &silence))
        silence.arrived()
        silence.visited()
        #expect(!Self.pass(QueueLook.Silence.longest, &silence))
        #expect(Self.pass(1, &silence))
    }

    /// Else what waits behind it would be taken for nothing.
    @Test func howeverLongAMessageIsLookedAtItDoesNotCount() {
        var silence = QueueLook.Silence()
        silence.arrived()
        silence.arrived()
        #expect(!Self.pass(99, &silence))
        silence.visited()
        #expect(!Self.pass(99, &silence))
        silence.visited()
        #expect(Self.pass(QueueLook.Silence.longest + 1, &silence))
    }
}
