import Clocks
import Testing

@testable import Ledger
@testable import SQLiteLedger

/// Look, what it saw, what is made of it.
@Suite struct PlaceWatchTests {
    private static let start = MonotonicTime(nanoseconds: 0)

    @Test func aDifferenceThatIsSeenTwiceIsReportedOnceAndItsEndToo() {
        var watch = PlaceWatch(at: Self.start)
        var now = Self.start
        func lookUp(_ difference: String?) -> PlaceWatch.LookupResult {
            now = watch.nextCheckAt
            return watch.saw(difference, at: now)
        }
        #expect(lookUp(nil) == .nothing)
        #expect(lookUp("gone") == .nothing)
        #expect(lookUp("gone") == .displaced("gone"))
        #expect(lookUp("gone") == .nothing)
        #expect(lookUp("another") == .nothing)
        #expect(lookUp(nil) == .returned)
        #expect(lookUp(nil) == .nothing)
        #expect(lookUp("another") == .nothing)
        #expect(lookUp("another") == .displaced("another"))
    }

    @Test func oneLookBetweenTwoRenamesIsNoDifference() {
        var watch = PlaceWatch(at: Self.start)
        for number in 1...10 {
            let now = watch.nextCheckAt
            #expect(watch.saw(number.isMultiple(of: 2) ? "gone" : nil, at: now) == .nothing)
        }
    }

    @Test func withinTenSecondsADifferenceWasSeenTwice() {
        var watch = PlaceWatch(at: Self.start)
        let seen = watch.nextCheckAt
        #expect(!watch.isDue(at: Self.start))
        #expect(watch.isDue(at: seen))
        #expect(watch.saw("gone", at: seen) == .nothing)
        #expect(watch.saw("gone", at: watch.nextCheckAt) == .displaced("gone"))
        #expect(seen - Self.start + PlaceWatch.repetition < .seconds(10))
    }
}
