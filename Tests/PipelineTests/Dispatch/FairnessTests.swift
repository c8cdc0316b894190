import AMQP
import Clocks
import Concurrency
import Ledger
import Photos
import PipelineHarness
import Testing

@testable import Jobs
@testable import Pipeline

/// Who waits for whom: measured on the clock that stands, so that the figures are the rules' and not the machine's.
@Suite(.serialized) struct FairnessTests {
    private static let callTime = Duration.milliseconds(50)

    /// How long 300 jobs of 40 accounts take, beside whatever `flood` puts in first.
    private func time(
        _ options: Harness.Options, slow: String? = nil, flood: (Harness) -> Void
    ) async throws -> (seconds: Double, harness: Harness) {
        let clock = Lock<ManualClock?>(nil)
        let harness = try await Harness(options) { call in
            if let slow, call.token.hasPrefix(slow) {
                return .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for 'Write requests per minute per user'")
            }
            await clock.withLock { $0 }?.sleep(for: Self.callTime)
            return .ok
        }
        clock.withLock { $0 = harness.clock }
        flood(harness)
        for number in 0..<Self.others { harness.submit("o\(number)", account: "a\(number % 40)") }
        let began = harness.clock.now()
        harness.begin()
        await harness.advance(for: .seconds(600)) { others(harness) == Self.others }
        return ((harness.clock.now() - began).inSeconds, harness)
    }

    private static let others = 300
    private static let flood = Drill.isWhole ? 3_000 : 1_000
    private static let mass = Drill.isWhole ? 2_000 : 800

    private func others(_ harness: Harness) -> Int {
        guard harness.resultCount >= Self.others else { return 0 }
        return harness.broker.messages("results").count { $0.properties.messageID?.hasPrefix("o") == true }
    }

    private func options() -> Harness.Options {
        var options = Harness.Options()
        options.concurrency = 8
        options.prefetch = 64
        return options
    }

    /// The flood was there first, and no other account was ever seen.
    @Test(arguments: [0, 30]) func aFloodOfOneAccountIsNobodysDelay(perMinute: Int) async throws {
        var options = options()
        options.perMinute = perMinute
        let (alone, first) = try await time(options) { _ in }
        #expect(moves(first).isEmpty, "an ordinary day moves nobody")
        await first.end()
        let (beside, second) = try await time(options) { harness in
            for number in 0..<Self.flood { harness.submit("f\(number)", account: "flood") }
        }
        let limit = perMinute == 0 ? "no limit" : "\(perMinute) a minute"
        print(
            "\(limit): 300 jobs of 40 accounts: \(alone) s alone, \(beside) s beside \(Self.flood) jobs of one account")
        #expect(beside <= alone * 1.1, "\(alone) s alone, \(beside) s beside the flood")
        try await expectNoCost(second)
        await second.end()
    }

    /// Nothing was spent on who stepped aside: each is one message with the number of the one that came.
    private func expectNoCost(_ harness: Harness) async throws {
        let moved = moves(harness)
        #expect(moved.count > Self.flood - 100 && moved.values.allSatisfy { $0 == 1 })
        #expect(!harness.events.contains { if case .parked = $0 { true } else { false } })
        let waiting = Harness.Options().delays.flatMap { harness.broker.messages("retry.\($0.components.seconds)s") }
        #expect(waiting.count == moved.count)
        for message in waiting {
            let headers = message.properties.headers
            #expect(headers?["x-leave-album-copy"] == .integer(0) && headers?["x-leave-album-attempt"] == .integer(0))
            #expect(headers?["x-leave-album-moves"] == .integer(1) && headers?["x-leave-album-lane"] == .text("jobs"))
            #expect(headers?["x-delivery-count"] == nil && message.deliveries == 0)
        }
        let settlements = harness.broker.settlements
        #expect(settlements.nacks == 0 && settlements.abandoned == 0)
        // What called has a row, and what is being called.
        #expect(try await harness.ledger.statistics().entries <= harness.photos.calls.count)
    }

    /// Several floods are as unfair as one: between them they fill the window.
    @Test(arguments: [2, 4]) func severalFloodsAreNobodysDelay(floods: Int) async throws {
        let (alone, first) = try await time(options()) { _ in }
        await first.end()
        let (beside, second) = try await time(options()) { harness in
            for number in 0..<Self.mass { harness.submit("f\(number)", account: "flood\(number % floods)") }
        }
        print("300 jobs of 40 accounts: \(alone) s alone, \(beside) s beside \(Self.mass) jobs of \(floods) accounts")
        // While they have jobs in hand, each has the turns of an account like the others.
        let turns = 1 + Double(floods) / 40
        #expect(beside <= alone * turns * 1.1, "\(alone) s alone, \(beside) s beside the floods")
        await second.end()
    }

    private func moves(_ harness: Harness) -> [JobID: Int] {
        var counts: [JobID: Int] = [:]
        for case .steppedAside(let copy) in harness.events {
            if let id = copy.jobID { counts[id, default: 0] += 1 }
        }
        return counts
    }

    @Test func anAccountOnHoldIsNobodysDelay() async throws {
        let (alone, first) = try await time(options()) { _ in }
        await first.end()
        let (beside, second) = try await time(options(), slow: "t-f") { harness in
            for number in 0..<500 { harness.submit("f\(number)", account: "held") }
        }
        print("300 jobs of 40 accounts: \(alone) s alone, \(beside) s beside 500 jobs of an account on hold")
        #expect(beside <= alone * 1.1 + 0.05, "\(alone) s alone, \(beside) s beside the held account")
        await second.end()
    }

    @Test func aBulkLaneTakesATenthAtMost() async throws {
        let (alone, first) = try await time(options()) { _ in }
        await first.end()
        let (beside, second) = try await time(options()) { harness in
            for number in 0..<Self.mass { harness.submit("b\(number)", account: "c\(number % 100)", lane: "bulk") }
        }
        print("300 jobs of 40 accounts: \(alone) s alone, \(beside) s beside \(Self.mass) mass jobs")
        #expect(beside <= alone * 1.1, "\(alone) s alone, \(beside) s beside the bulk lane")
        await second.end()
    }
}
