import Testing
import Threads

@testable import Ledger

/// Look, what it saw, what is made of it.
@Suite struct PlaceWatchTests {
    private static let start = MonotonicTime(nanoseconds: 0)

    @Test func aDifferenceThatIsSeenTwiceIsToldOnceAndItsEndToo() {
        var watch = PlaceWatch(at: Self.start)
        var now = Self.start
        func look(_ difference: String?) -> PlaceWatch.Finding {
            now = watch.nextLookAt
            return watch.saw(difference, at: now)
        }
        #expect(look(nil) == .nothing)
        #expect(look("gone") == .nothing)
        #expect(look("gone") == .displaced("gone"))
        #expect(look("gone") == .nothing)
        #expect(look("another") == .nothing)
        #expect(look(nil) == .returned)
        #expect(look(nil) == .nothing)
        #expect(look("another") == .nothing)
        #expect(look("another") == .displaced("another"))
    }

    @Test func oneLookBetweenTwoRenamesIsNoDifference() {
        var watch = PlaceWatch(at: Self.start)
        for number in 1...10 {
            let now = watch.nextLookAt
            #expect(watch.saw(number.isMultiple(of: 2) ? "gone" : nil, at: now) == .nothing)
        }
    }

    @Test func withinTenSecondsADifferenceWasSeenTwice() {
        var watch = PlaceWatch(at: Self.start)
        let seen = watch.nextLookAt
        #expect(!watch.isDue(at: Self.start))
        #expect(watch.isDue(at: seen))
        #expect(watch.saw("gone", at: seen) == .nothing)
        #expect(watch.saw("gone", at: watch.nextLookAt) == .displaced("gone"))
        #expect(seen - Self.start + PlaceWatch.repetition < .seconds(10))
    }
}
