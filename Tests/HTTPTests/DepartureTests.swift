import Testing

@testable import HTTP

@Suite struct DepartureTests {
    @Test func nothingLeavesBeforeTheConnectionStands() {
        let departure = Departure()
        #expect(!departure.hasLeft(requestSize: 0))
        // Words to a proxy.
        #expect(!departure.hasLeft(requestSize: 120))
    }

    @Test func whatLeavesIsCountedWithoutTheWordsToTheProxy() {
        var departure = Departure()
        let mayBegin = departure.mayBegin(requestSize: 120)
        #expect(mayBegin)
        #expect(!departure.hasLeft(requestSize: 120))
        #expect(departure.size(requestSize: 320) == 200)
    }

    /// The kernel was full for a moment: libcurl sends later, and does not count that.
    @Test func whatLeftUncountedHasLeftAllTheSame() {
        var departure = Departure()
        let first = departure.mayBegin(requestSize: 0)
        let resend = departure.mayBegin(requestSize: 0, hasBegun: true)
        #expect(first && !resend)
        #expect(departure.hasLeft(requestSize: 0, hasBegun: true))
        #expect(departure.size(requestSize: 0, hasBegun: true) == 1)
    }

    @Test func aSecondBeginningIsAllowedOnlyWhileNothingLeft() {
        var departure = Departure()
        let first = departure.mayBegin(requestSize: 0)
        let again = departure.mayBegin(requestSize: 0)
        let resend = departure.mayBegin(requestSize: 1)
        #expect(first && again && !resend)
    }
}
