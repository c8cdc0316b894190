import Clocks
import Testing

@testable import Daemon

/// What is tried each second is logged each minute.
@Suite struct RepeatedWarningTests {
    private let start = SystemTimeSource().now()

    @Test func itIsSaidAtOnceAndThenEachMinute() {
        var warning = RepeatedWarning()
        let said = (0..<300).filter { warning.isDue(at: start + .seconds($0)) }
        #expect(said == [0, 60, 120, 180, 240])
    }

    @Test func itsEndIsSaidOnceAndOnlyIfItWasSaid() {
        var warning = RepeatedWarning()
        let early = warning.ends()
        #expect(!early, "nobody has heard of it")
        let first = warning.isDue(at: start)
        let (end, again) = (warning.ends(), warning.ends())
        #expect(first && end && !again)
        let another = warning.isDue(at: start + .seconds(1))
        #expect(another, "it is another one")
    }
}
