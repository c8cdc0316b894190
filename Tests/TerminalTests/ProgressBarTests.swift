import Synchronization
import Testing

@testable import Terminal

@Suite struct ProgressBarTests {
    /// What a bar drew, at times that the test sets.
    private final class Screen: Sendable {
        let drawn = Mutex<[String]>([])
        let time = Mutex<Duration>(.seconds(100))

        func bar(total: Int?, columns: Int = 80) -> ProgressBar {
            ProgressBar(
                title: "jobs", total: total, columns: columns, now: { [self] in time.withLock { $0 } },
                write: { [self] text in drawn.withLock { $0.append(text) } })
        }

        func pass(_ duration: Duration) { time.withLock { $0 += duration } }

        /// What was drawn since the last look.
        func taken() -> [String] {
            drawn.withLock { drawn in
                defer { drawn = [] }
                return drawn
            }
        }
    }

    @Test func showsShareRateAndTimeLeft() {
        let screen = Screen()
        var bar = screen.bar(total: 200)
        screen.pass(.seconds(10))
        bar.update(completed: 50)
        #expect(screen.taken() == ["\r\u{1B}[Kjobs  [######------------------]  25%  50/200  5.0/s  ETA 0:30"])
        screen.pass(.seconds(90))
        bar.update(completed: 200)
        #expect(screen.taken() == ["\r\u{1B}[Kjobs  [########################]  100%  200/200  2.0/s  1:40"])
    }

    @Test func redrawsAtMostTenTimesASecond() {
        let screen = Screen()
        var bar = screen.bar(total: 1_000)
        for completed in 1...1_000 {
            bar.update(completed: completed)
            screen.pass(.milliseconds(1))
        }
        #expect(screen.taken().count == 10)
    }

    @Test func withoutATerminalALineComesEveryFewSeconds() {
        let screen = Screen()
        var bar = ProgressBar(
            title: "copied", total: 9_000, columns: 80, now: { screen.time.withLock { $0 } }, write: nil,
            writeLine: { text in screen.drawn.withLock { $0.append(text) } })
        for completed in 1...9_000 {
            screen.pass(.milliseconds(1))
            bar.update(completed: completed)
        }
        bar.hide()
        #expect(screen.taken() == ["copied: 5000 of 9000\n"])
    }

    @Test func withoutATotalItCounts() {
        let screen = Screen()
        var bar = screen.bar(total: nil)
        screen.pass(.seconds(3_723))
        bar.update(completed: 74_460)
        #expect(screen.taken() == ["\r\u{1B}[Kjobs  74460  20/s  1:02:03"])
    }

    @Test func knowsNoTimeLeftBeforeAnythingIsDone() {
        let screen = Screen()
        var bar = screen.bar(total: 10)
        bar.update(completed: 0)
        #expect(screen.taken().map { $0.hasSuffix("0/10  0.0/s  ETA -") } == [true])
    }

    @Test func neverReachesTheLastColumn() {
        let screen = Screen()
        var bar = screen.bar(total: 200, columns: 20)
        bar.update(completed: 1)
        #expect(screen.taken() == ["\r\u{1B}[Kjobs  [-----------…"])
    }

    @Test func stepsAsideForOtherText() {
        let screen = Screen()
        var bar = screen.bar(total: 2)
        bar.hide()
        #expect(screen.taken() == [])
        bar.update(completed: 1)
        bar.hide()
        #expect(screen.taken().last == "\r\u{1B}[K")
        bar.update(completed: 2)
        #expect(screen.taken().count == 1)
    }
}
