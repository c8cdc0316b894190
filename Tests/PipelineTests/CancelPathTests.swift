import AMQP
import JSON
import Jobs
import Ledger
import Photos
import PipelineDouble
import Secrets
import Testing
import Threads

@testable import Pipeline

/// What becomes of a job that an operator ends for good, wherever it is.
@Suite(.timeLimit(.minutes(2))) struct CancelPathTests {
    /// Answers that wait until a test gives them.
    private final class Latch: Sendable {
        private let state = Lock<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

        func pass() async {
            await withCheckedContinuation { waiter in
                let mayPass = state.withLock { state in
                    if !state.isOpen { state.waiting.append(waiter) }
                    return state.isOpen
                }
                if mayPass { waiter.resume() }
            }
        }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            waiting.forEach { $0.resume() }
        }
    }

    private func end(_ id: String, _ site: Site) async throws -> Pipeline.LastWord {
        try await site.pipeline.cancelForGood(JobID(id), by: "me")
    }

    /// The effect of the result that the job has now.
    private func expectEnded(
        _ word: Pipeline.LastWord, _ site: Site, effect: Effect, isPublished: Bool = true,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        guard case .ended(let stored, isPublished) = word else {
            Issue.record("\(word)", sourceLocation: location)
            return
        }
        let result = try JobResult.decode(stored.body)
        #expect(result.outcome == .failed && result.reason == .cancelled, sourceLocation: location)
        #expect(result.effect == effect, sourceLocation: location)
        guard isPublished else { return }
        let published = site.results.filter { $0.messageID == stored.messageID }
        #expect(published.first?.body == stored.body, sourceLocation: location)
        #expect(published.count { !$0.isReplayed } == 1, sourceLocation: location)
    }

    // MARK: In hand

    @Test func oneThatWaitsInHandHasResultAndLetterAtOnce() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.pipeline.pause(account: AccountID("ann"))
            site.submit("a", more: #","metadata":{"ticket":"7"}"#)
            site.submit("b")
            await site.pass(.seconds(1))
            try expectEnded(try await end("a", site), site, effect: .notLeft)
            #expect(site.results.first?.json["metadata"]?["ticket"]?.text == "7", "its message is in hand")
            #expect(site.letters == ["cancelled"])
            #expect(site.broker.unacked == 1 && site.results.count == 1, "the other waits on")
            #expect(site.pipeline.resume(account: AccountID("ann")))
            await site.advance { site.results.count == 2 }
            #expect(site.photos.calls.map(\.token) == ["t-b"])
        }
    }

    @Test func oneBetweenTwoTriesCallsNoMore() async throws {
        try await site { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { site.photos.calls.count == 1 }
            let word = try await end("a", site)
            try expectEnded(word, site, effect: .unknown)
            await site.pass(.seconds(86_400))
            #expect(site.photos.calls.count == 1)
            #expect(site.letters == ["cancelled"] && site.results.count == 1)
            #expect(site.broker.waiting == 0 && site.broker.unacked == 0)
        }
    }

    @Test(arguments: [true, false]) func aCallInFlightIsAwaitedAndItsAnswerStandsIfItDecides(isGood: Bool) async throws
    {
        let latch = Latch()
        try await site { _ in
            await latch.pass()
            return isGood ? .ok : .unavailable
        } _: { site in
            site.submit("a")
            site.submit("a")
            await site.advance { site.photos.calls.count == 1 }
            async let word = end("a", site)
            async let second = end("a", site)
            await site.pass(.seconds(1))
            #expect(site.results.isEmpty, "no word goes out while the answer is not there")
            latch.open()
            let words = try await [word, second]
            // One of the two came first, and the other found it at work.
            #expect(words.contains(.busy))
            let done = try #require(words.first { $0 != .busy })
            if isGood {
                guard case .ended(let stored, true) = done else {
                    Issue.record("\(done)")
                    return
                }
                #expect(stored.outcome == .left)
                #expect(site.letters.isEmpty)
            } else {
                try expectEnded(done, site, effect: .unknown)
                #expect(site.letters == ["cancelled"])
            }
            await site.pass(.seconds(86_400))
            #expect(site.photos.calls.count == 1)
            #expect(site.results.count { !$0.isReplayed } == 1)
            #expect(Set(site.results.map(\.body)).count == 1, "the second delivery has the same bytes")
            #expect(site.broker.waiting == 0 && site.broker.unacked == 0)
        }
    }

    @Test func theJobThatHoldsTheWorldGoesAndTheOthersAreDone() async throws {
        try await site { call in
            call.token == "t-bad" ? .redirect : .ok
        } _: { site in
            site.submit("bad", account: "bad")
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            let word = try await end("bad", site)
            try expectEnded(word, site, effect: .unknown)
            let calls = site.photos.calls.count
            for number in 0..<5 { site.submit("j\(number)", account: "a\(number)") }
            _ = site.pipeline.probe()
            await site.advance { site.results.count == 6 }
            #expect(site.photos.calls.count == calls + 5)
            #expect(site.results.count { $0.outcome == "left" } == 5)
            // Its message stood aside, so that others could be tried, and brings the letter when it comes.
            await site.advance(for: .seconds(120)) { !site.letters.isEmpty }
            #expect(site.letters == ["cancelled"])
            let ends = site.events.count { event in
                guard case .ended(let job) = event else { return false }
                return job.jobID == JobID("bad")
            }
            #expect(ends == 1, "one job ended once")
        }
    }

    @Test func aRedrivenGenerationInHandEndsAndTheOlderKeepsItsResult() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.submit("a")
            await site.advance { site.results.count == 1 }
            guard case .hadEnded(let stored) = try await end("a", site) else {
                Issue.record("it had ended")
                return
            }
            #expect(stored.outcome == .left)
            site.pipeline.pause(account: AccountID("ann"))
            redrive("a", generation: 1, site)
            await site.pass(.seconds(1))
            try expectEnded(try await end("a", site), site, effect: .notLeft)
            #expect(site.results.map(\.messageID) == ["a#0", "a#1"])
            #expect(site.letters == ["cancelled"] && site.photos.calls.count == 1)
        }
    }

    /// The word is for both: the newer one ends as well, now or when it comes.
    @Test func twoGenerationsInHandBothEnd() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.pipeline.pause(account: AccountID("ann"))
            site.submit("a")
            await site.pass(.seconds(1))
            redrive("a", generation: 1, site)
            await site.pass(.seconds(1))
            _ = try await end("a", site)
            #expect(site.pipeline.resume(account: AccountID("ann")))
            await site.pass(.seconds(86_400))
            #expect(
                site.results.map { "\($0.messageID) \($0.reason ?? "")" }.sorted() == [
                    "a#0 cancelled", "a#1 cancelled",
                ])
            #expect(site.photos.calls.isEmpty && site.letters.count == 2)
        }
    }

    private func redrive(_ id: String, generation: Int64, _ site: Site) {
        site.submit(id, lane: "due") {
            var headers = FieldTable()
            headers.append("x-leave-album-generation", .integer(generation))
            $0.headers = headers
        }
    }

    // MARK: In the broker alone

    @Test func aParkedOneHasItsResultAtOnceAndItsLetterWithItsCopy() async throws {
        try await site { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { site.broker.unacked == 0 && !site.photos.calls.isEmpty }
            #expect(site.broker.waiting == 1, "its copy lies in a retry queue")
            let calls = site.photos.calls.count
            let word = try await end("a", site)
            try expectEnded(word, site, effect: .unknown)
            #expect(site.letters.isEmpty)
            await site.advance { !site.letters.isEmpty }
            await site.pass(.seconds(86_400))
            #expect(site.letters == ["cancelled"] && site.results.count == 1)
            #expect(site.photos.calls.count == calls)
            let letter = try #require(site.broker.messages("dead").first)
            #expect(letter.properties.headers?["x-leave-album-ambiguous"] == .boolean(true), "its effect is unknown")
            guard case .hadEnded = try await end("a", site) else {
                Issue.record("it had ended")
                return
            }
        }
    }

    @Test func oneThatNobodyKnowsEndsWhenItComesAlsoAfterALostLedger() async throws {
        try await site { _ in
            .ok
        } _: { site in
            for id in ["a", "b"] {
                let word = try await end(id, site)
                #expect(word == .remembered)
            }
            site.submit("a")
            site.submit("b", lane: "due") {
                var headers = FieldTable()
                headers.append("x-leave-album-attempt", .integer(2))
                $0.headers = headers
            }
            await site.advance { site.results.count == 2 }
            #expect(
                Set(site.results.map { "\($0.messageID) \($0.reason ?? "") \($0.effect)" }) == [
                    "a#0 cancelled not_left", "b#0 cancelled unknown",
                ])
            #expect(site.letters == ["cancelled", "cancelled"] && site.photos.calls.isEmpty)
        }
    }

    @Test func aGenerationOnItsWayEndsWhenItComes() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.submit("a")
            await site.advance { site.results.count == 1 }
            try await site.ledger.inner.write(
                JobEvent(jobID: JobID("a"), generation: 0, at: Site.start, kind: "redriven", detail: "as generation 1"))
            let word = try await end("a", site)
            #expect(word == .remembered)
            redrive("a", generation: 1, site)
            await site.advance { site.results.count == 2 }
            #expect(site.results.last?.reason == "cancelled" && site.photos.calls.count == 1)
        }
    }

    // MARK: Crashes, stops, a broker that does not take it

    /// Killed between the record and the publish: as the next start finds it.
    @Test func aResultThatWasNotPublishedIsPublishedAtTheStartAndTheLetterWithTheDelivery() async throws {
        let site = try Site { _ in .ok }
        let ledger = site.ledger.inner
        let arrival = Arrival(
            jobID: JobID("a"), account: AccountID("ann"),
            tokenHash: SHA256Digest(of: Array("t-a".utf8)),
            generation: 0, copy: 0, attempts: 0, isAmbiguous: false, firstSeen: Site.start)
        _ = try await ledger.claim(
            Claim(
                arrival: arrival, kind: .call, day: "d", at: Site.start, attempts: 0, isAmbiguous: false,
                malformedAnswers: 0, closing: nil))
        guard case .open(let job) = try await ledger.cancelForGood(JobID("a"), newest: nil, at: Site.start) else {
            Issue.record("it is open")
            return
        }
        #expect(try await ledger.finishCancelled(job, result: job.result(at: Site.start)))
        site.begin()
        await site.advance { site.results.count == 1 }
        #expect(site.results.first?.effect == "unknown" && site.letters.isEmpty)
        site.submit("a")
        await site.advance { !site.letters.isEmpty }
        #expect(site.letters == ["cancelled"] && site.results.count == 1 && site.photos.calls.isEmpty)
        await site.end()
    }

    /// Killed before the record: the delivery ends it.
    @Test func aWordWithoutAnEndIsTheDeliverysToDo() async throws {
        try await site { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { site.broker.unacked == 0 && !site.photos.calls.isEmpty }
            let calls = site.photos.calls.count
            _ = try await site.ledger.inner.cancelForGood(JobID("a"), newest: nil, at: Site.start)
            await site.advance { site.results.count == 1 }
            #expect(site.results.first?.reason == "cancelled" && site.results.first?.effect == "unknown")
            #expect(site.photos.calls.count == calls && site.letters == ["cancelled"])
        }
    }

    @Test func whatTheBrokerDoesNotTakeIsSaidAndPublishedLater() async throws {
        try await site { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { site.broker.unacked == 0 && !site.photos.calls.isEmpty }
            site.broker.answer { publication in
                publication.exchange == "p.results" ? .unroutable(code: 312, text: "NO_ROUTE") : .confirmed
            }
            let word = Lock<Pipeline.LastWord?>(nil)
            let asking = Task {
                let answer = try await end("a", site)
                word.withLock { $0 = answer }
                site.activity.note()
            }
            await site.advance(for: .seconds(20)) { word.withLock { $0 != nil } }
            try await asking.value
            try expectEnded(try #require(word.withLock { $0 }), site, effect: .unknown, isPublished: false)
            #expect(site.results.isEmpty)
            site.broker.answer(with: nil)
            await site.advance { site.results.count == 1 }
            await site.advance { !site.letters.isEmpty }
            #expect(site.results.count == 1 && site.letters == ["cancelled"])
        }
    }

    @Test func aWorkerThatStopsSaysSoAndTheNextOneEndsIt() async throws {
        let latch = Latch()
        try await site { _ in
            await latch.pass()
            return .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { site.photos.calls.count == 1 }
            async let word = end("a", site)
            await site.pass(.seconds(1))
            site.pipeline.stop()
            let answer = try await word
            #expect(answer == .stopping)
            latch.open()
            let standing = try await site.ledger.inner.standings(of: [JobID("a")]).first
            #expect(standing?.state == .cancelled || standing?.state == .calling)
        }
    }

    @Test func aLedgerThatCannotAnswerIsNoEnd() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.ledger.refuse()
            await #expect(throws: LedgerError.self) { try await end("a", site) }
            site.ledger.accept()
            let word = try await end("a", site)
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
        var options = Site.Options()
        options.delays = [.seconds(5), .seconds(30)]
        let jobs = 40
        try await site(options) { _ in
            isGood.withLock { $0 } ? .ok : source.withLock { answers[Int.random(in: 0..<answers.count, using: &$0)] }
        } _: { site in
            for number in 0..<jobs {
                site.submit("j\(number)", account: "a\(number % 7)", lane: number % 3 == 0 ? "bulk" : "jobs")
            }
            var told: [String: Int] = [:]
            for number in (0..<jobs).shuffled(using: &random) {
                await site.pass(.milliseconds(Int64.random(in: 0...4_000, using: &random)))
                let word = Lock<Pipeline.LastWord?>(nil)
                let asking = Task {
                    let answer = try await end("j\(number)", site)
                    word.withLock { $0 = answer }
                    site.activity.note()
                }
                let isTold = await site.advance(for: .seconds(600)) { word.withLock { $0 != nil } }
                #expect(isTold)
                try await asking.value
                told["t-j\(number)"] = site.photos.calls.count { $0.token == "t-j\(number)" }
                switch word.withLock({ $0 }) {
                // Handed back for a hold before it ever called, it is the broker's alone.
                case .ended, .hadEnded, .remembered: break
                case let other: Issue.record("j\(number): \(String(describing: other))")
                }
            }
            isGood.withLock { $0 = true }
            site.submit("last", account: "last")
            await site.pass(.seconds(2 * 86_400))
            let results = Dictionary(grouping: site.results, by: \.messageID)
            #expect(results.count == jobs + 1)
            #expect(results["last#0"]?.first?.outcome == "left", "no hold outlives them")
            #expect(results.values.allSatisfy { Set($0.map(\.body)).count == 1 })
            for (token, calls) in told {
                #expect(site.photos.calls.count { $0.token == token } == calls, "\(token) was called after its end")
            }
            let dead = results.values.count { $0[0].outcome == "failed" }
            #expect(site.letters.count == dead)
            #expect(site.broker.waiting == 0 && site.broker.unacked == 0)
        }
    }
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
