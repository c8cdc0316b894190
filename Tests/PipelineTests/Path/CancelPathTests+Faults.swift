import AMQP
import Clocks
import Concurrency
import JSON
import Ledger
import Photos
import PipelineHarness
import SQLiteLedger
import Secrets
import Testing

@testable import Jobs
@testable import Pipeline

/// The end of a job where the worker crashes or stops, the broker or the ledger fails, or anything happens at any time.
extension CancelPathTests {
    // MARK: Crashes, stops, a broker that does not take it

    /// Killed between the record and the publish: as the next start finds it.
    @Test func aResultThatWasNotPublishedIsPublishedAtTheStartAndTheDeadLetterWithTheDelivery() async throws {
        let harness = try await Harness { _ in .ok }
        let ledger = harness.ledger.inner
        let arrival = Arrival(
            jobID: JobID("a"), account: AccountID("ann"),
            tokenHash: SHA256Digest(of: Array("t-a".utf8)),
            generation: 0, copy: 0, attempts: 0, isAmbiguous: false, firstSeen: Harness.start)
        _ = try await ledger.claim(
            Claim(
                arrival: arrival, kind: .call, day: "d", at: Harness.start, attempts: 0, isAmbiguous: false,
                malformedAnswers: 0, closing: nil))
        // A shared ledger's lease is over by then.
        harness.clock.advance(to: at(60))
        guard case .open(let job) = try await ledger.cancelForGood(JobID("a"), newest: nil, at: Harness.start) else {
            Issue.record("it is open")
            return
        }
        #expect(try await ledger.finishCancelled(job, result: job.result(at: Harness.start)))
        harness.begin()
        await harness.advance { harness.resultCount == 1 }
        #expect(harness.results.first?.effect == "unknown" && harness.deadLetters.isEmpty)
        harness.submit("a")
        await harness.advance { !harness.deadLetters.isEmpty }
        #expect(harness.deadLetters == ["cancelled"] && harness.resultCount == 1 && harness.photos.calls.isEmpty)
        await harness.end()
    }

    /// Killed before the record: the delivery ends it.
    @Test func aWordWithoutAnEndIsTheDeliverysToDo() async throws {
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.broker.unacked == 0 && !harness.photos.calls.isEmpty }
            let calls = harness.photos.calls.count
            _ = try await harness.ledger.inner.cancelForGood(JobID("a"), newest: nil, at: Harness.start)
            await harness.advance { harness.resultCount == 1 }
            #expect(harness.results.first?.reason == "cancelled" && harness.results.first?.effect == "unknown")
            #expect(harness.photos.calls.count == calls && harness.deadLetters == ["cancelled"])
        }
    }

    @Test func whatTheBrokerDoesNotTakeIsSaidAndPublishedLater() async throws {
        try await harness { _ in
            .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.broker.unacked == 0 && !harness.photos.calls.isEmpty }
            harness.broker.answer { publication in
                publication.exchange == "p.results" ? .unroutable(code: 312, text: "NO_ROUTE") : .confirmed
            }
            let word = Lock<JobPipeline.LastWord?>(nil)
            let asking = Task {
                let answer = try await end("a", harness)
                word.withLock { $0 = answer }
                harness.activity.note()
            }
            await harness.advance(for: .seconds(20)) { word.withLock { $0 != nil } }
            try await asking.value
            try expectEnded(try #require(word.withLock { $0 }), harness, effect: .unknown, isPublished: false)
            #expect(harness.resultCount == 0)
            harness.broker.answer(with: nil)
            await harness.advance { harness.resultCount == 1 }
            await harness.advance { !harness.deadLetters.isEmpty }
            #expect(harness.resultCount == 1 && harness.deadLetters == ["cancelled"])
        }
    }

    @Test(.enabled(if: HarnessLedger.Kind.ofTheRun.keepsAll)) func aWorkerThatStopsSaysSoAndTheNextOneEndsIt()
        async throws
    {
        let latch = Latch()
        try await harness { _ in
            await latch.pass()
            return .unavailable
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.photos.calls.count == 1 }
            async let word = end("a", harness)
            await harness.pass(.seconds(1))
            harness.pipeline.stop()
            let answer = try await word
            #expect(answer == .stopping)
            let standing = try await harness.ledger.kept.statuses(of: [JobID("a")]).first
            #expect(standing?.state == .cancelled || standing?.state == .calling)
            latch.open()
        }
    }

    @Test func aLedgerThatCannotAnswerIsNoEnd() async throws {
        try await harness { _ in
            .ok
        } _: { harness in
            harness.ledger.refuse()
            await #expect(throws: LedgerError.self) { try await end("a", harness) }
            harness.ledger.accept()
            let word = try await end("a", harness)
            #expect(word == .remembered, "nobody holds it any more")
        }
    }

    // MARK: At any time

    /// Whatever the API answers and whenever the word comes: one body for each message-id, one letter at most, an end
    /// for each job, and no call of a job begins after its end was told.
    @Test(arguments: 1...6) func anyJobAtAnyTime(_ seed: UInt64) async throws {
        var random = Seeded(state: seed)
        let answers: [Answer] = [.ok, .unavailable, .unknownToken, .html, .error(429, "RESOURCE_EXHAUSTED"), .redirect]
        let isGood = Lock(false)
        let source = Lock(Seeded(state: seed &* 77))
        var options = Harness.Options()
        options.delays = [.seconds(5), .seconds(30)]
        let jobs = 40
        try await harness(options) { _ in
            isGood.withLock { $0 } ? .ok : source.withLock { answers[Int.random(in: 0..<answers.count, using: &$0)] }
        } _: { harness in
            for number in 0..<jobs {
                harness.submit("j\(number)", account: "a\(number % 7)", lane: number % 3 == 0 ? "bulk" : "jobs")
            }
            var reported: [String: Int] = [:]
            for number in (0..<jobs).shuffled(using: &random) {
                await harness.pass(.milliseconds(Int64.random(in: 0...4_000, using: &random)))
                let word = Lock<JobPipeline.LastWord?>(nil)
                // Of a ledger that is shared it may be told to ask again, when a call is over that nobody heard.
                repeat {
                    if word.withLock({ $0 != nil }) { await harness.pass(.seconds(5)) }
                    word.withLock { $0 = nil }
                    let asking = Task {
                        let answer = try await end("j\(number)", harness)
                        word.withLock { $0 = answer }
                        harness.activity.note()
                    }
                    let isTold = await harness.advance(for: .seconds(600)) { word.withLock { $0 != nil } }
                    #expect(isTold)
                    try await asking.value
                } while harness.ledger.sharesAccounts && word.withLock { $0?.isLeased == true }
                reported["t-j\(number)"] = harness.photos.calls.count { $0.token == "t-j\(number)" }
                switch word.withLock({ $0 }) {
                // Handed back for a hold before it ever called, it is the broker's alone.
                case .ended, .hadEnded, .remembered: break
                case let other: Issue.record("j\(number): \(String(describing: other))")
                }
            }
            isGood.withLock { $0 = true }
            harness.submit("last", account: "last")
            await harness.pass(.seconds(2 * 86_400))
            let results = Dictionary(grouping: harness.results, by: \.messageID)
            #expect(results.count == jobs + 1)
            #expect(results["last#0"]?.first?.outcome == "left", "no hold outlives them")
            #expect(results.values.allSatisfy { Set($0.map(\.body)).count == 1 })
            for (token, calls) in reported {
                #expect(harness.photos.calls.count { $0.token == token } == calls, "\(token) was called after its end")
            }
            let dead = results.values.count { $0[0].outcome == "failed" }
            #expect(harness.deadLetters.count == dead)
            #expect(harness.broker.waiting == 0 && harness.broker.unacked == 0)
        }
    }
}

extension JobPipeline.LastWord {
    fileprivate var isLeased: Bool { if case .leased = self { true } else { false } }
}

/// The same numbers on every machine.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
