import Clocks
import Operations
import Testing

@testable import Monitoring

/// The ring, told line by line what happens when.
@Suite struct RecentHistoryTests {
    private static let midnight = Timestamp(milliseconds: 1_795_000_000_000)

    private func at(_ seconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: 7_000_000_000) + .seconds(seconds) }
    private func wall(_ seconds: Int) -> Timestamp { Self.midnight + .seconds(seconds) }

    @Test func theStepThatRunsIsNotShown() {
        var history = RecentHistory(start: at(0))
        history.ended(isFailure: false, at: at(1))
        #expect(history.history(at: at(9), wall: wall(9)).ended == [])
        #expect(history.history(at: at(10), wall: wall(10)).ended == [1])
    }

    @Test func eachStepHasItsOwnCounts() {
        var history = RecentHistory(start: at(0))
        history.ended(isFailure: false, at: at(0))
        history.ended(isFailure: true, at: at(9))
        history.ended(isFailure: false, at: at(10))
        history.called(taking: .milliseconds(100), at: at(12))
        history.ended(isFailure: true, at: at(35))
        let reported = history.history(at: at(47), wall: wall(47))
        #expect(reported.step == .seconds(10))
        #expect(reported.until == wall(40), "the end of the last whole step")
        #expect(reported.ended == [2, 1, 0, 1])
        #expect(reported.failed == [1, 0, 0, 1])
        #expect(reported.apiMedian.map { $0 != nil } == [false, true, false, false])
        #expect(reported.apiP99.map { $0 != nil } == [false, true, false, false])
    }

    @Test func itGrowsToHalfAnHourAndThenForgets() {
        var history = RecentHistory(start: at(0))
        for second in stride(from: 0, to: 1800, by: 10) { history.ended(isFailure: false, at: at(second)) }
        history.called(taking: .seconds(1), at: at(5))
        var reported = history.history(at: at(1800), wall: wall(1800))
        #expect(reported.ended == [Int](repeating: 1, count: 180))
        #expect(reported.apiMedian[0] == nil, "a word that comes late counts where time is now, and not in the past")
        history.ended(isFailure: true, at: at(1801))
        history.ended(isFailure: true, at: at(1802))
        reported = history.history(at: at(1810), wall: wall(1810))
        #expect(reported.ended == [Int](repeating: 1, count: 179) + [2])
        #expect(reported.failed == [Int](repeating: 0, count: 179) + [2])
    }

    @Test(arguments: [1800, 1810, 1820, 3600, 100_000]) func aLongSilenceIsSilent(seconds: Int) {
        var history = RecentHistory(start: at(0))
        for second in 0..<10 {
            history.ended(isFailure: true, at: at(second))
            history.called(taking: .seconds(1), at: at(second))
        }
        let reported = history.history(at: at(seconds), wall: wall(seconds))
        #expect(reported.ended == (seconds == 1800 ? [10] : [0]) + [Int](repeating: 0, count: 179))
        #expect(reported.apiP99.count { $0 != nil } == (seconds == 1800 ? 1 : 0))
        #expect(reported.until == wall(seconds))
    }

    @Test func theFourListsAreAsLongAsEachOther() {
        var history = RecentHistory(start: at(0))
        for seconds in [0, 9, 10, 11, 500, 1799, 1800, 1811, 9000] {
            history.called(taking: .milliseconds(5), at: at(seconds))
            let reported = history.history(at: at(seconds), wall: wall(seconds))
            let lengths = Set([
                reported.ended.count, reported.failed.count, reported.apiMedian.count, reported.apiP99.count,
            ])
            #expect(lengths == [min(180, seconds / 10)], "at \(seconds) s")
        }
    }
}
