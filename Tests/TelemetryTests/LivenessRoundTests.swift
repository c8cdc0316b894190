import Clocks
import Telemetry
import Testing

/// Tokens out, tokens back, on a clock that stands where it is put.
@Suite struct LivenessRoundTests {
    private var round = LivenessRound()

    private static func at(_ seconds: Int) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds) * 1_000_000_000)
    }
    private static let timeout = Duration.seconds(5)

    init() {
        round.add("ledger", at: Self.at(0))
        round.add("http", at: Self.at(0))
    }

    private func silent(_ seconds: Int) -> [String] {
        round.silences(longerThan: Self.timeout, at: Self.at(seconds)).map {
            "\($0.loop) \($0.lasting.components.seconds)"
        }
    }

    @Test mutating func aLoopThatGivesItsTokenBackIsAlive() {
        #expect(round.post(at: Self.at(0)) == ["ledger", "http"])
        round.answered("ledger", at: Self.at(1))
        round.answered("http", at: Self.at(1))
        #expect(silent(20) == [])
        #expect(round.post(at: Self.at(20)) == ["ledger", "http"])
    }

    @Test mutating func aLoopThatKeepsItIsNamedWithItsTime() {
        _ = round.post(at: Self.at(0))
        round.answered("http", at: Self.at(1))
        #expect(silent(4) == [], "it has not had it for long")
        #expect(silent(5) == ["ledger 5"])
        #expect(silent(60) == ["ledger 60"])
    }

    @Test mutating func aStuckLoopGetsNoSecondToken() {
        _ = round.post(at: Self.at(0))
        round.answered("http", at: Self.at(1))
        #expect(round.post(at: Self.at(5)) == ["http"], "its silence is counted from the first")
        #expect(silent(12) == ["ledger 12", "http 7"])
    }

    @Test mutating func whoComesRoundAgainIsAliveAgain() {
        _ = round.post(at: Self.at(0))
        round.answered("http", at: Self.at(0))
        #expect(silent(30) == ["ledger 30"])
        round.answered("ledger", at: Self.at(31))
        #expect(silent(32) == [])
        #expect(round.post(at: Self.at(33)) == ["ledger", "http"])
    }

    @Test mutating func readingsSayWhenEachWasSeenLast() {
        _ = round.post(at: Self.at(0))
        round.answered("http", at: Self.at(2))
        let readings = round.readings(at: Self.at(10)).map { "\($0.name) \($0.answeredAgo.components.seconds)" }
        #expect(readings == ["ledger 10", "http 8"])
    }
}
