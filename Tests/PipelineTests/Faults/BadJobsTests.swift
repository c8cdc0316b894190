import AMQP
import Clocks
import Concurrency
import Jobs
import Photos
import PipelineHarness
import Testing

@testable import Pipeline

/// Bad jobs among good ones, on the clock that stands: whatever the API answers to some jobs, the others are done.
@Suite(.timeLimit(.minutes(30))) struct BadJobsTests {
    struct Mix: Sendable, CustomStringConvertible {
        var bad: Int
        var concurrency: Int
        var place: Place
        /// Whether the ledger knows of a success before.
        var isKnown: Bool
        /// Of how many accounts the bad ones are.
        var accounts: Int

        enum Place: String, CaseIterable, Sendable { case head, spread, tail }

        var description: String {
            "\(bad) bad of \(accounts) accounts at the \(place.rawValue), \(concurrency) calls at a time"
                + (isKnown ? "" : ", first contact")
        }

        /// One of the corners, by turns; or all of them, and what is between them and differs with each row.
        static func some(_ row: Int) -> [Mix] {
            let corners = [
                Mix(bad: 50, concurrency: 1, place: .head, isKnown: true, accounts: 50),
                Mix(bad: 6, concurrency: 4, place: .head, isKnown: true, accounts: 6),
                Mix(bad: 50, concurrency: 64, place: .head, isKnown: false, accounts: 50),
                Mix(bad: 1, concurrency: 8, place: .head, isKnown: false, accounts: 1),
            ]
            guard Drill.isWhole else { return [corners[row % corners.count]] }
            var random = Numbers(seed: UInt64(row) + 1)
            let others = (0..<8).map { _ in
                let bad = Int.random(in: 1...50, using: &random)
                return Mix(
                    bad: bad, concurrency: [1, 2, 4, 16, 64].randomElement(using: &random) ?? 1,
                    place: Place.allCases.randomElement(using: &random) ?? .head,
                    isKnown: Bool.random(using: &random), accounts: Int.random(in: 1...bad, using: &random))
            }
            return corners + others
        }
    }

    /// The same ones each time.
    private struct Numbers: RandomNumberGenerator {
        private var state: UInt64
        init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) | (state << 31)
        }
    }

    private static let good = 40
    /// Two rounds, their waits and what the calls take.
    private static let twoRounds = Duration.seconds(140)
    private static let rows = RefusalRow.refusals + RefusalRow.failures

    @Test(arguments: rows.indices) func allGoodJobsAreDoneAndEachBadOneEndsWithItsReason(number: Int) async throws {
        for mix in Mix.some(number) { try await check(Self.rows[number], mix) }
    }

    private func check(_ row: RefusalRow, _ mix: Mix) async throws {
        var options = Harness.Options()
        options.concurrency = mix.concurrency
        options.prefetch = max(8, mix.concurrency * 2)
        let clock = Lock<ManualClock?>(nil)
        let harness = try await Harness(
            options, albums: { $0.token.hasPrefix("t-bad") ? row.album : .album(joined: true) }
        ) {
            call in
            await clock.withLock { $0 }?.sleep(for: .milliseconds(50))
            return call.token.hasPrefix("t-bad") ? row.answer(call) : .ok
        }
        clock.withLock { $0 = harness.clock }
        harness.begin()
        var expected = Self.good
        if mix.isKnown {
            harness.submit("first", account: "zoe")
            await harness.advance { harness.resultCount == 1 }
            expected += 1
        }
        let start = harness.clock.now()
        submit(mix, to: harness)
        let isDone = await harness.advance(for: Self.twoRounds) {
            harness.broker.newest("results", 8).contains { $0.properties.messageID?.hasPrefix("good") == true }
        }
        #expect(isDone, "row \(row), \(mix): no good one in \((harness.clock.now() - start).inSeconds) s")
        // Traffic goes on, so that it shows whose fault it is.
        var later = 0
        for hour in 0..<60 {
            guard harness.resultCount < expected + mix.bad + later else { break }
            harness.submit("later\(hour)", account: "late\(hour % 3)")
            later += 1
            await harness.advance(for: .seconds(3_600)) { harness.resultCount == expected + mix.bad + later }
        }
        let results = harness.results
        let bad = results.filter { $0.messageID.hasPrefix("bad") }
        let others = results.filter { !$0.messageID.hasPrefix("bad") }
        #expect(others.count == expected + later && others.allSatisfy { $0.outcome == "left" }, "row \(row), \(mix)")
        #expect(bad.count == mix.bad, "row \(row), \(mix): \(mix.bad - bad.count) have not ended")
        #expect(
            bad.allSatisfy { row.reasons.contains($0.reason ?? $0.outcome) },
            "row \(row), \(mix): \(Set(bad.map { $0.reason ?? $0.outcome }))")
        await harness.end()
    }

    private func submit(_ mix: Mix, to harness: Harness) {
        let step = max(1, Self.good / mix.bad)
        var bad = 0
        func submitBad() {
            guard bad < mix.bad else { return }
            harness.submit("bad\(bad)", account: "evil\(bad % mix.accounts)")
            bad += 1
        }
        if mix.place == .head { for _ in 0..<mix.bad { submitBad() } }
        for number in 0..<Self.good {
            if mix.place == .spread, number.isMultiple(of: step) { submitBad() }
            harness.submit("good\(number)", account: "a\(number % 20)")
        }
        while bad < mix.bad { submitBad() }
    }
}
