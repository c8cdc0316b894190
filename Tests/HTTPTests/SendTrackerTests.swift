import Testing

@testable import HTTP

@Suite struct SendTrackerTests {
    @Test func nothingLeavesBeforeTheConnectionStands() {
        let sendTracker = SendTracker()
        #expect(!sendTracker.hasLeft(requestSize: 0))
        // Words to a proxy.
        #expect(!sendTracker.hasLeft(requestSize: 120))
    }

    @Test func whatLeavesIsCountedWithoutWhatTheProxyGets() {
        var sendTracker = SendTracker()
        let mayBegin = sendTracker.mayBegin(requestSize: 120)
        #expect(mayBegin)
        #expect(!sendTracker.hasLeft(requestSize: 120))
        #expect(sendTracker.size(requestSize: 320) == 200)
    }

    /// The kernel was full for a moment: libcurl sends later, and does not count that.
    @Test func whatLeftUncountedHasLeftAllTheSame() {
        var sendTracker = SendTracker()
        let first = sendTracker.mayBegin(requestSize: 0)
        let resend = sendTracker.mayBegin(requestSize: 0, hasBegun: true)
        #expect(first && !resend)
        #expect(sendTracker.hasLeft(requestSize: 0, hasBegun: true))
        #expect(sendTracker.size(requestSize: 0, hasBegun: true) == 1)
    }

    @Test func aSecondBeginningIsAllowedOnlyWhileNothingLeft() {
        var sendTracker = SendTracker()
        let first = sendTracker.mayBegin(requestSize: 0)
        let again = sendTracker.mayBegin(requestSize: 0)
        let resend = sendTracker.mayBegin(requestSize: 1)
        #expect(first && again && !resend)
    }
}
