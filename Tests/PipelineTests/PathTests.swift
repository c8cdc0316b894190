import AMQP
import Jobs
import Ledger
import Messages
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// The path of a job from its delivery to its ack, with every answer that the ledger and the API can give.
@Suite struct PathTests {
    @Test func aYesIsOneCallOneResultAndAnAck() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.submit("a")
            await site.advance { site.results.count == 1 }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.results.first?.messageID == "a#0")
            #expect(site.photos.calls == [.init(bearer: "bearer-ann", token: "t-a")])
            #expect(site.broker.waiting == 0)
            #expect(site.broker.settlements.acks == 1)
        }
    }

    /// A queue of the topology may still be missing, and no worker is there: what came would lie in hand.
    @Test func nothingIsTakenBeforeItRuns() async throws {
        let site = try Site { _ in .ok }
        site.submit("a")
        site.pipeline.pause(account: AccountID("ann"))
        _ = site.pipeline.resume(account: AccountID("ann"))
        site.pipeline.linkLost(generation: 1)
        site.pipeline.ledgerHealth(.available)
        #expect(site.broker.consumption == .nothing)
        site.begin()
        await site.advance { site.results.count == 1 }
        #expect(site.broker.consumption == .everything)
        #expect(site.results.map(\.outcome) == ["left"])
        await site.end()
    }

    /// From its arrival to its end, and not what it spent in the broker before or between.
    @Test func theTimeInHandIsThatOfTheDeliveryThatEnds() async throws {
        try await site { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            let times = site.events.compactMap { event -> Duration? in
                if case .settled(let time) = event { time } else { nil }
            }
            #expect(times.count == 1, "parking ends nothing")
            #expect(times.allSatisfy { $0 < .seconds(5) }, "\(times)")
            let total = site.events.compactMap { event -> Duration? in
                if case .ended(let job) = event { job.timeToResult } else { nil }
            }
            #expect(total.count == 1 && total.allSatisfy { $0 >= .seconds(5) }, "\(total)")
            #expect(site.pipeline.snapshot.oldestInHand == nil)
        }
    }

    @Test func aServerFaultIsTriedTwiceInHandAndThenParkedByTheLadder() async throws {
        try await site { call in
            call.earlier < 4 ? .unavailable : .ok
        } _: { site in
            site.submit("a")
            await site.advance { site.photos.calls.count == 2 }
            #expect(site.broker.waiting == 1)
            await site.advance { !site.broker.messages("retry.5s").isEmpty }
            #expect(site.broker.settlements.acks == 1, "the parked job is not in hand")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.results.first?.attempts == 4)
            #expect(site.photos.calls.count == 5)
            #expect(site.broker.waiting == 0)
        }
    }

    @Test func attemptsComeToAnEndAndTheEffectIsUnknown() async throws {
        var options = Site.Options()
        options.maxAttempts = 3
        try await site(options) { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["attempts_exhausted"])
            #expect(site.results.first?.effect == "unknown")
            #expect(site.letters == ["attempts_exhausted"])
            #expect(site.photos.calls.count == 3)
        }
    }

    @Test func aRefusedConnectionCostsNoAttempt() async throws {
        try await site { call in
            call.earlier < 3 ? .notSent(detail: "refused") : .ok
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.results.first?.attempts == 0)
        }
    }

    @Test func anOutageOfADayCostsNoJobAnythingAndFewCalls() async throws {
        let isDown = Lock(true)
        try await site { _ in
            isDown.withLock { $0 } ? .notSent(detail: "refused") : .ok
        } _: { site in
            for minute in 0..<1440 {
                site.submit("j\(minute)", account: "a\(minute)")
                await site.pass(.seconds(60))
            }
            #expect(site.results.isEmpty && site.letters.isEmpty)
            #expect(site.broker.waiting == 1440)
            #expect(site.photos.calls.count < 300, "\(site.photos.calls.count) calls")
            isDown.withLock { $0 = false }
            await site.advance { site.resultCount == 1440 }
            #expect(site.resultCount == 1440)
            #expect(site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func anExpiredTokenIsReadAgainOnce() async throws {
        try await site { call in
            call.bearer.hasSuffix("-again")
                ? .ok : .error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.photos.calls.map(\.bearer) == ["bearer-ann", "bearer-ann-again"])
        }
    }

    @Test func anAnswerThatCannotBeBelievedThreeTimesIsSaidToBeSo() async throws {
        try await site { _ in
            .html
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["response_malformed"])
            #expect(site.photos.calls.count == 3)
        }
    }

    @Test func aFaultOfTheWorldHoldsTheWorkerAndCostsTheJobNothing() async throws {
        let isBroken = Lock(true)
        try await site { _ in
            isBroken.withLock { $0 } ? .redirect : .ok
        } _: { site in
            for number in 0..<10 { site.submit("j\(number)", account: "a\(number)") }
            await site.pass(.seconds(60))
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.endpointMisconfigured])
            #expect(site.broker.consumption == .nothing)
            #expect(site.photos.calls.count <= 10, "each is tried once")
            await site.pass(.seconds(7_200))
            #expect(site.photos.calls.count < 18)
            #expect(site.results.isEmpty && site.letters.isEmpty)
            isBroken.withLock { $0 = false }
            await site.advance { site.results.count == 10 }
            #expect(site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
            #expect(site.pipeline.snapshot.holds.isEmpty)
        }
    }

    @Test func aDeadlineThatHasPassedMakesNoCall() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.submit("a", more: #","deadline":"2026-11-23T11:59:59Z""#)
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["deadline_exceeded"])
            #expect(site.results.first?.effect == "not_left")
            #expect(site.photos.calls.isEmpty)
        }
    }

    @Test func aDeadlineThatPassesWhileTheTokenIsAwaitedMakesNoCall() async throws {
        var options = Site.Options()
        options.tokenTakes = .seconds(7)
        try await site(options) { _ in
            .ok
        } _: { site in
            site.submit("late", more: #","deadline":"2026-11-23T12:00:05Z""#)
            site.submit("soon", account: "bob", more: #","deadline":"2026-11-23T12:01:00Z""#)
            await site.advance { site.results.count == 2 }
            let late = site.results.first { $0.messageID == "late#0" }
            #expect(late?.reason == "deadline_exceeded" && late?.effect == "not_left")
            #expect(site.results.first { $0.messageID == "soon#0" }?.outcome == "left")
            #expect(site.photos.calls.count == 1)
        }
    }

    @Test func aStrangerHasNoCredential() async throws {
        var options = Site.Options()
        options.strangers = ["eve"]
        try await site(options) { _ in
            .ok
        } _: { site in
            site.submit("a", account: "eve")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["credential_not_found"])
            #expect(site.photos.calls.isEmpty)
        }
    }

    @Test func aDuplicateFollowsAndGetsTheSameBytes() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.submit("a")
            site.submit("a")
            await site.advance { site.results.count == 2 }
            #expect(site.photos.calls.count == 1)
            #expect(Set(site.results.map(\.body)).count == 1)
            #expect(site.results.map(\.isReplayed) == [false, true])
            #expect(site.broker.waiting == 0)
        }
    }

    @Test func aDuplicateOfAParkedJobIsAckedWithoutAResult() async throws {
        try await site { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { site in
            site.submit("a")
            await site.advance { !site.broker.messages("retry.5s").isEmpty }
            site.submit("a")
            await site.advance { site.broker.settlements.acks == 2 }
            #expect(site.results.isEmpty)
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            #expect(site.photos.calls.count == 3)
        }
    }

    @Test func anotherAccountUnderTheIDIsAConflictAndChangesNothing() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.submit("a", account: "ann", token: "t")
            await site.advance { site.results.count == 1 }
            site.submit("a", account: "bob", token: "t")
            await site.advance { site.results.count == 2 }
            #expect(site.results.map(\.reason) == [nil, "job_id_conflict"])
            #expect(site.letters == ["job_id_conflict"])
            #expect(site.photos.calls.count == 1)
        }
    }

    @Test func theLettersResultIsReplayedAndTheLetterIsNot() async throws {
        try await site { _ in
            .unknownToken
        } _: { site in
            site.submit("a")
            await site.advance { site.results.count == 1 }
            site.submit("a")
            await site.advance { site.results.count == 2 }
            #expect(site.letters.count == 1)
            #expect(Set(site.results.map(\.body)).count == 1)
        }
    }

    @Test func whatNeverBecameAJobGetsALetterAndARejectedResult() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.broker.put(Array("[]".utf8), into: "jobs")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["malformed_job"])
            #expect(site.results.first?.outcome == "rejected")
            #expect(site.results.first?.messageID.hasPrefix("rejected:") == true)
            #expect(site.letters == ["malformed_job"])
            let entries = try await site.ledger.inner.statistics().entries
            #expect(entries == 0)
        }
    }

    @Test func aMessageThatIsRejectedAgainGetsTheSameBytes() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.broker.put(Array("[]".utf8), into: "jobs")
            await site.advance { site.results.count == 1 }
            await site.pass(.seconds(90))
            site.broker.put(Array("[]".utf8), into: "bulk")
            await site.advance { site.results.count == 2 }
            #expect(Set(site.results.map(\.messageID)).count == 1)
            #expect(Set(site.results.map(\.body)).count == 1)
        }
    }

    @Test func aLedgerThatRefusesAfterTheYesCommitsItFirstWhenItIsBack() async throws {
        let refuse = Lock<(@Sendable () -> Void)?>(nil)
        try await site { _ in
            refuse.withLock { $0 }?()
            return .ok
        } _: { site in
            refuse.withLock { $0 = { [ledger = site.ledger] in ledger.refuse() } }
            site.submit("a")
            await site.advance(for: .seconds(1)) { site.photos.calls.count == 1 }
            // A redelivery follows the job in hand.
            site.submit("a")
            await site.activity.settle()
            #expect(site.results.isEmpty)
            site.ledger.accept()
            await site.advance { site.results.count == 2 }
            #expect(site.results.map(\.outcome) == ["left", "left"])
            #expect(site.photos.calls.count == 1)
        }
    }

    @Test func aMissingResultsQueueHoldsTheWorkerAndTheResultComesLater() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.broker.answer { publication in
                publication.exchange.hasSuffix(".results") ? .unroutable(code: 312, text: "NO_ROUTE") : .confirmed
            }
            site.submit("a")
            await site.advance(for: .seconds(2)) { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.resultsUnroutable])
            #expect(site.broker.unacked == 1)
            site.broker.answer(with: nil)
            await site.advance { !site.results.isEmpty }
            #expect(site.pipeline.snapshot.holds.isEmpty)
            #expect(site.photos.calls.count == 1)
        }
    }

    @Test func aCopyThatNeverComesEndsAsJobLost() async throws {
        try await site { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { !site.broker.messages("retry.5s").isEmpty }
            site.broker.purge("retry.5s")
            await site.advance(for: .seconds(3_600)) { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["job_lost"])
            #expect(site.results.first?.effect == "unknown")
        }
    }

    @Test func aClockThatIsSetForwardLosesNoJobWhoseCopyIsOnItsWay() async throws {
        let isUp = Lock(false)
        try await site { _ in
            isUp.withLock { $0 } ? .ok : .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { !site.broker.messages("retry.600s").isEmpty }
            isUp.withLock { $0 = true }
            // An hour of consuming, so that only the clock is in doubt.
            site.clock.setForward(by: .seconds(7_200))
            await site.pass(.seconds(120))
            #expect(site.results.isEmpty)
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
        }
    }

    @Test func aCopyThatIsLostBesideAStepOfTheClockIsReportedAfterIt() async throws {
        try await site { _ in
            .unavailable
        } _: { site in
            site.submit("a")
            await site.advance { !site.broker.messages("retry.5s").isEmpty }
            site.broker.purge("retry.5s")
            site.clock.setForward(by: .seconds(1_800))
            await site.advance(for: .seconds(1_700)) { !site.results.isEmpty }
            #expect(site.results.isEmpty)
            await site.advance(for: .seconds(3_600)) { !site.results.isEmpty }
            #expect(site.results.map(\.reason) == ["job_lost"])
        }
    }

    @Test func aReplyToGetsACopyOnlyWhereThatIsAllowed() async throws {
        var options = Site.Options()
        options.replyToAllow = ["reply.*"]
        try await site(options) { _ in
            .ok
        } _: { site in
            site.submit("a") { $0.replyTo = "reply.me" }
            site.submit("b", account: "bob") { $0.replyTo = "p.dead" }
            await site.advance { site.results.count == 2 }
            #expect(site.letters.isEmpty)
            let copies = site.events.count { if case .replyCopy = $0 { true } else { false } }
            #expect(copies == 1)
        }
    }

    @Test func anAccountThatIsSlowDelaysNobody() async throws {
        let isSlow = Lock(true)
        let clock = Lock<ManualClock?>(nil)
        try await site { call in
            if call.bearer == "bearer-slow", isSlow.withLock({ $0 }) {
                await clock.withLock { $0 }?.sleep(for: .seconds(100))
            }
            return .ok
        } _: { site in
            clock.withLock { $0 = site.clock }
            site.submit("warm", account: "w1")
            site.submit("warm2", account: "w2")
            await site.advance { site.results.count == 2 }
            for number in 0..<5 { site.submit("s\(number)", account: "slow") }
            for number in 0..<20 { site.submit("q\(number)", account: "quick\(number)") }
            await site.advance(for: .seconds(1)) { site.results.count == 22 }
            #expect(site.results.count == 22, "one of the slow account's is in a call, the others wait for it")
        }
    }

    @Test func tenOrderlyStopsDoNotMakeAJobSuspicious() async throws {
        try await site { _ in
            .ok
        } _: { site in
            var headers = FieldTable()
            headers.append("x-delivery-count", .integer(9))
            site.submit("a", lane: "jobs") { $0.headers = headers }
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
        }
    }

    @Test func aJobThatCameBackTenTimesIsSetApartThriceAndThenPoison() async throws {
        try await site { _ in
            .ok
        } _: { site in
            // The broker's own count, as after ten deaths of the worker.
            var headers = FieldTable()
            headers.append("x-delivery-count", .integer(10))
            site.submit("a") { $0.headers = headers }
            await site.advance { !site.results.isEmpty }
            // Set apart once, it came back with a new count, ran alone and was done.
            #expect(site.results.map(\.outcome) == ["left"])
            let setApart = site.events.count { if case .setApart = $0 { true } else { false } }
            #expect(setApart == 1)
            var past = JobHeaders()
            past.suspect = 3
            var poisoned = FieldTable()
            past.write(to: &poisoned)
            site.submit("b", lane: "due") { $0.headers = poisoned }
            await site.advance { site.results.count == 2 }
            #expect(site.results.last?.reason == "poison")
            #expect(site.letters == ["poison"])
        }
    }
}
