import Clocks
import Testing

@testable import Telemetry

/// What a run of lines becomes: each row is a second, what is said in it, and what is written then.
@Suite struct RepetitionsTests {
    private final class Transcript {
        private var repetitions = Repetitions()
        private var second = 0

        private var now: MonotonicTime { MonotonicTime(nanoseconds: Int64(second) * 1_000_000_000) }
        private var wall: Timestamp { SteppedClock.noon + .seconds(Int64(second)) }

        private func texts(_ lines: [LogLine]) -> [String] {
            lines.map { line in
                let fields = line.fields.map { " \($0.name)" }.joined()
                return "\(line.message)\(fields)"
            }
        }

        func say(
            _ message: String, _ fields: LogField..., at second: Int, level: LogLevel = .warning, place: Int = 1,
            isEvent: Bool = false
        ) -> [String] {
            self.second = second
            let line = LogLine(
                time: wall, level: level, message: message, fields: fields,
                location: CodeLocation(file: "F", line: place, function: "f"))
            return texts(repetitions.take(line, isEvent: isEvent, at: now))
        }

        func wait(until second: Int) -> [String] {
            self.second = second
            return texts(repetitions.close(until: now, wall: wall))
        }

        func end() -> [String] { texts(repetitions.closeAll(wall: wall)) }

        var due: Int? { repetitions.dueAt.map { Int($0.nanoseconds / 1_000_000_000) } }
    }

    private let run = Transcript()

    @Test func theFirstIsLoggedTheRestAreCounted() {
        #expect(run.say("lost", at: 0) == ["lost"])
        #expect(run.due == nil)
        #expect(run.say("lost", at: 1) == [])
        #expect(run.due == 60)
        #expect(run.say("lost", at: 9) == [])
        #expect(run.wait(until: 59) == [])
        #expect(run.wait(until: 60) == ["lost (repeated 2 times in 9 s) repeated"])
        #expect(run.due == nil)
        #expect(run.say("lost", at: 61) == ["lost"])
        #expect(run.end() == [])
    }

    @Test func aLineOfItsOwnWindowHasTheCountThatWasDue() {
        #expect(run.say("lost", at: 0) == ["lost"])
        #expect(run.say("lost", at: 5) == [])
        #expect(run.say("lost", at: 100) == ["lost (repeated once in 5 s) repeated", "lost"])
    }

    @Test func alternatingFaultsAreEachLoggedOnce() {
        #expect(run.say("no host a", at: 0) == ["no host a"])
        #expect(run.say("no host b", at: 1) == ["no host b"])
        for second in 2..<10 { #expect(run.say("no host \(second % 2 == 0 ? "a" : "b")", at: second) == []) }
        #expect(
            run.end() == [
                "no host a (repeated 4 times in 8 s) repeated", "no host b (repeated 4 times in 8 s) repeated",
            ])
    }

    @Test func aNoticeThatSomethingHasChangedComesAfterTheCounts() {
        #expect(run.say("lost", at: 0) == ["lost"])
        #expect(run.say("lost", at: 3) == [])
        #expect(run.say("job ended", at: 4, level: .info) == ["job ended"])
        #expect(run.say("back", at: 5, level: .notice) == ["lost (repeated once in 3 s) repeated", "back"])
        #expect(run.say("lost", at: 6) == ["lost"], "what comes again is news")
    }

    @Test func aJobsEndIsNeverCounted() {
        #expect(run.say("lost", at: 0) == ["lost"])
        #expect(run.say("lost", at: 0) == [])
        for _ in 0..<3 { #expect(run.say("job ended", at: 1, isEvent: true) == ["job ended"]) }
        #expect(run.say("lost", at: 2) == [])
    }

    @Test(arguments: [LogLevel.trace, .debug, .info, .notice])
    func whatIsNoFaultIsLoggedEachTime(level: LogLevel) {
        for _ in 0..<3 { #expect(run.say("a", at: 0, level: level) == ["a"]) }
        #expect(run.due == nil)
    }

    /// Job and account do not make a fault another one; level, place, message and cause do.
    @Test func whatMakesAFaultTheSame() {
        let first = LogField("job", "1")
        #expect(run.say("a", first, LogField("cause", "x"), at: 0) == ["a job cause"])
        #expect(run.say("a", LogField("job", "2"), LogField("cause", "x"), at: 0) == [])
        #expect(run.say("a", first, LogField("cause", "y"), at: 0) == ["a job cause"])
        #expect(run.say("a", first, at: 0) == ["a job"])
        #expect(run.say("a", first, at: 0, place: 2) == ["a job"])
        #expect(run.say("a", first, at: 0, level: .error) == ["a job"])
        #expect(run.say("b", first, at: 0) == ["b job"])
        #expect(run.end() == ["a (repeated once in 1 s) cause repeated"], "one job's id says nothing of the others")
    }

    @Test func windowsCloseInTheOrderInWhichTheyOpened() {
        #expect(run.say("a", at: 0) == ["a"])
        #expect(run.say("b", at: 10) == ["b"])
        #expect(run.say("b", at: 11) == [])
        #expect(run.due == 70)
        #expect(run.say("a", at: 12) == [])
        #expect(run.due == 60)
        #expect(run.wait(until: 60) == ["a (repeated once in 12 s) repeated"])
        #expect(run.due == 70)
        #expect(run.wait(until: 70) == ["b (repeated once in 1 s) repeated"])
    }

    @Test func messagesThatAreAllDifferentFillNoMemory() {
        #expect(run.say("m0", at: 0) == ["m0"])
        #expect(run.say("m0", at: 0) == [])
        for number in 1..<Repetitions.most { #expect(run.say("m\(number)", at: 0) == ["m\(number)"]) }
        #expect(
            run.say("one more", at: 1) == ["m0 (repeated once in 1 s) repeated", "one more"],
            "the oldest makes room, and its count is told")
        for number in 0..<10_000 { #expect(run.say("n\(number)", at: 1).last == "n\(number)") }
        #expect(run.end() == [])
    }
}
