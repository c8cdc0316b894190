import Jobs
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// Who waits for whom: measured on the clock that stands, so that the figures are the rules' and not the machine's.
@Suite struct FairnessTests {
    private static let callTime = Duration.milliseconds(50)

    /// How long 200 jobs of 40 accounts take, beside whatever `flood` puts in first.
    private func time(
        _ options: Site.Options, slow: String? = nil, flood: (Site) -> Void
    ) async throws -> (seconds: Double, site: Site) {
        let clock = Lock<ManualClock?>(nil)
        let site = try Site(options) { call in
            if let slow, call.token.hasPrefix(slow) {
                return .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for 'Write requests per minute per user'")
            }
            await clock.withLock { $0 }?.sleep(for: Self.callTime)
            return .ok
        }
        clock.withLock { $0 = site.clock }
        flood(site)
        for number in 0..<200 { site.submit("o\(number)", account: "a\(number % 40)") }
        let began = site.clock.now()
        site.begin()
        await site.advance(for: .seconds(600)) { site.results.filter { $0.messageID.hasPrefix("o") }.count == 200 }
        return ((site.clock.now() - began).inSeconds, site)
    }

    private func options() -> Site.Options {
        var options = Site.Options()
        options.concurrency = 8
        options.prefetch = 64
        return options
    }

    @Test func aFloodOfOneAccountIsNobodysDelay() async throws {
        var options = options()
        options.perMinute = 30
        let (alone, first) = try await time(options) { _ in }
        await first.end()
        let (beside, second) = try await time(options) { site in
            for number in 0..<2_000 { site.submit("f\(number)", account: "flood") }
        }
        print("200 jobs of 40 accounts: \(alone) s alone, \(beside) s beside 2,000 jobs of one account")
        // The flood's first thirty calls are its due.
        #expect(beside <= alone * 1.1 + 30 * 0.05, "\(alone) s alone, \(beside) s beside the flood")
        // Each of the flood's jobs moved once, to a turn of its own.
        let moves = second.events.count { event in
            guard case .steppedAside(let id, _, _, _, _, _) = event else { return false }
            return id?.string.hasPrefix("f") == true
        }
        #expect(moves <= 2_000, "\(moves) moves")
        await second.end()
    }

    @Test func anAccountOnHoldIsNobodysDelay() async throws {
        let (alone, first) = try await time(options()) { _ in }
        await first.end()
        let (beside, second) = try await time(options(), slow: "t-f") { site in
            for number in 0..<500 { site.submit("f\(number)", account: "held") }
        }
        print("200 jobs of 40 accounts: \(alone) s alone, \(beside) s beside 500 jobs of an account on hold")
        #expect(beside <= alone * 1.1 + 0.05, "\(alone) s alone, \(beside) s beside the held account")
        await second.end()
    }

    @Test func aBulkLaneTakesATenthAtMost() async throws {
        let (alone, first) = try await time(options()) { _ in }
        await first.end()
        let (beside, second) = try await time(options()) { site in
            for number in 0..<2_000 { site.submit("b\(number)", account: "c\(number % 100)", lane: "bulk") }
        }
        print("200 jobs of 40 accounts: \(alone) s alone, \(beside) s beside 2,000 mass jobs")
        #expect(beside <= alone * 1.1, "\(alone) s alone, \(beside) s beside the bulk lane")
        await second.end()
    }
}
