import AMQP
import JSON
import Jobs
import Ledger
import Messages
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// What the worker does when the API says anything but yes.
@Suite struct VerdictPathTests {
    private static let refused = Answer.error(404, "NOT_FOUND", "Requested entity was not found.")
    private static let denied = Answer.error(403, "PERMISSION_DENIED", "The caller does not have permission")

    // MARK: The probe

    @Test(
        arguments: [
            (Answer.album(joined: false), "already_left", "left", nil),
            (.album(joined: true), "failed", "not_left", "leave_refused"),
            (.album(owned: true, joined: true), "failed", "not_left", "album_owner"),
        ] as [(Answer, String, String, String?)])
    func aRefusalIsExplainedByTheAlbum(album: Answer, outcome: String, effect: String, reason: String?) async throws {
        try await site(albums: { _ in album }) { _ in
            Self.refused
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == [outcome])
            #expect(site.results.first?.effect == effect)
            #expect(site.results.first?.reason == reason)
            #expect(site.photos.calls.count == 1 && site.photos.probes.count == 1)
        }
    }

    @Test func aCallThatWentUnheardTwiceIsSettledByAQuestion() async throws {
        try await site(albums: { _ in .album(joined: false) }) { _ in
            .ambiguous(detail: "reset")
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["already_left"])
            #expect(site.photos.calls.count == 2 && site.photos.probes.count == 1)
        }
    }

    @Test func whoeverComesBackUnsureAsksBeforeCalling() async throws {
        try await site(albums: { _ in .album(joined: true) }) { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["left"])
            // Two calls in hand, parked, one question, one call.
            #expect(site.photos.calls.count == 3 && site.photos.probes.count == 1)
        }
    }

    @Test func anAlbumThatWasAskedBeforeTheCallIsAskedAgainWhereAnEarlierCallMayHaveArrivedSince() async throws {
        try await site(albums: { _ in .album(joined: true) }) { call in
            call.earlier < 2 ? .unavailable : Self.refused
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.first?.reason == "leave_refused")
            #expect(site.results.first?.effect == "not_left")
            #expect(site.photos.probes.count == 2)
        }
    }

    @Test func aQuestionThatFailsIsAskedAgainAndNeverMakesAJobAmbiguous() async throws {
        try await site(albums: { $0.earlier == 0 ? .unavailable : .album(joined: false) }) { _ in
            Self.refused
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["already_left"])
            #expect(site.results.first?.attempts == 1)
            #expect(site.photos.calls.count == 1, "the question comes first the second time")
        }
    }

    @Test(arguments: [Answer.unavailable, .html])
    func betweenQuestionsThatFailIsTheWaitOfCallsThatFail(album: Answer) async throws {
        try await site(albums: { _ in album }) { _ in
            Self.refused
        } _: { site in
            let began = site.clock.now()
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            let questions = site.photos.probes.count
            #expect(questions >= 3 && site.photos.calls.count == 1)
            #expect(site.clock.now() - began >= .seconds(questions - 1), "a second at least before each next one")
        }
    }

    @Test func anAbortedOperationIsAskedAfterBeforeTheLastTry() async throws {
        var options = Site.Options()
        options.maxAttempts = 3
        try await site(options, albums: { _ in .album(joined: false) }) { _ in
            .error(409, "ABORTED", "The operation was aborted.")
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.map(\.outcome) == ["already_left"])
            #expect(site.photos.calls.count == 2 && site.photos.probes.count == 1)
        }
    }

    // MARK: Neighbours

    @Test func aRefusalIsFinalWhileNeighboursSucceed() async throws {
        try await site { call in
            call.token == "t-bad" ? Self.denied : .ok
        } _: { site in
            site.submit("good", account: "bob")
            await site.advance { site.results.count == 1 }
            site.submit("bad", account: "ann")
            await site.advance { site.results.count == 2 }
            #expect(site.results.last?.reason == "permission_denied")
            #expect(site.results.last?.attempts == 0, "only faults of the server cost attempts")
            #expect(site.photos.calls.count == 2)
        }
    }

    @Test func withoutNeighboursItIsParkedTwiceAndDeadTheThirdTime() async throws {
        try await site { _ in
            Self.denied
        } _: { site in
            site.submit("a")
            await site.advance { !site.results.isEmpty }
            #expect(site.results.first?.reason == "permission_denied")
            #expect(site.photos.calls.count == 3)
            #expect((site.clock.now() - MonotonicTime(nanoseconds: 0)) >= .seconds(600))
        }
    }

    @Test func aTokenThatIsRefusedThoughItIsFreshGetsThreeMoreChances() async throws {
        try await site { call in
            call.token == "t-bad" ? .error(401, "UNAUTHENTICATED", "x") : .ok
        } _: { site in
            site.submit("good", account: "bob")
            site.submit("bad", account: "ann")
            await site.advance { site.results.count == 2 }
            #expect(site.results.last?.reason == "auth_rejected")
            // Each time once with the token that is there and once with a fresh one.
            #expect(site.photos.calls.filter { $0.token == "t-bad" }.count == 8)
        }
    }

    /// A static file whose token has ended, or a provider that has no other: nobody dies of it.
    @Test func aTokenThatIsRefusedToEverybodyAndHasNoSuccessorHoldsTheWorker() async throws {
        var options = Site.Options()
        options.hasOneToken = true
        let isRefused = Lock(true)
        try await site(options) { _ in
            isRefused.withLock { $0 } ? .error(401, "UNAUTHENTICATED", "x") : .ok
        } _: { site in
            for number in 0..<100 { site.submit("j\(number)", account: "a\(number % 10)") }
            await site.advance(for: .seconds(60)) { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.clientMisconfigured])
            await site.pass(.seconds(86_400))
            #expect(site.results.isEmpty && site.letters.isEmpty)
            #expect(site.photos.calls.count <= 100, "\(site.photos.calls.count) calls")
            isRefused.withLock { $0 = false }
            await site.advance { site.resultCount == 100 }
            #expect(site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func aBlanketRefusalOfADayCostsNothingAndTouchesFew() async throws {
        let isRetired = Lock(true)
        try await site { _ in
            isRetired.withLock { $0 } ? Self.denied : .ok
        } _: { site in
            // A job a minute for a day.
            for minute in 0..<1440 {
                site.submit("j\(minute)", account: "a\(minute)")
                await site.pass(.seconds(60))
                if minute == 60 {
                    #expect(site.pipeline.snapshot.holds.map(\.cause) == [.apiRetired])
                    #expect(Set(site.photos.calls.map(\.token)).count <= 20)
                }
            }
            #expect(site.results.isEmpty && site.letters.isEmpty)
            #expect(site.broker.waiting == 1440)
            let calls = site.photos.calls.count
            #expect(calls < 300, "\(calls) calls")
            isRetired.withLock { $0 = false }
            await site.advance { site.results.count == 1440 }
            #expect(site.results.count == 1440)
            #expect(site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func aRemovedMethodThatKnowsNothingIsHeldAtTwentyAccounts() async throws {
        try await site { _ in
            Self.refused
        } _: { site in
            for number in 0..<100 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance(for: .seconds(1200)) { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.apiRetired])
            #expect(site.photos.calls.count <= 24)
            await site.pass(.seconds(3600))
            #expect(site.results.isEmpty && site.letters.isEmpty)
            #expect(site.broker.waiting == 100)
        }
    }

    // MARK: The breaker

    @Test func aServerThatFailsForEverybodyCostsNobodyMoreThanItsFirstTries() async throws {
        let isDown = Lock(true)
        var options = Site.Options()
        options.concurrency = 1
        try await site(
            options, albums: { _ in isDown.withLock { $0 } ? .unavailable : .album(joined: true) }
        ) { _ in
            isDown.withLock { $0 } ? .unavailable : .ok
        } _: { site in
            for number in 0..<50 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance(for: .seconds(60)) { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.apiUnavailable])
            await site.pass(.seconds(86_400))
            #expect(site.results.isEmpty)
            #expect(site.photos.calls.count + site.photos.probes.count < 350)
            isDown.withLock { $0 = false }
            await site.advance { site.results.count == 50 }
            #expect(site.results.count == 50)
            let spent = site.results.map(\.attempts).reduce(0, +)
            #expect(spent <= 2, "\(spent) attempts spent")
        }
    }

    // MARK: Quotas

    @Test func anAccountOverItsMinuteWaitsAloneAndLosesNoAttempt() async throws {
        try await site { call in
            call.token.hasPrefix("t-ann") && call.earlier == 0
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for 'Write requests per minute per user'") : .ok
        } _: { site in
            site.submit("ann1", account: "ann")
            site.submit("bob1", account: "bob")
            await site.advance { site.results.count == 1 }
            #expect(site.results.map { $0.json["jobId"]?.text } == ["bob1"])
            #expect(site.pipeline.accountHolds.map(\.cause) == ["quota_minute"])
            #expect(site.pipeline.snapshot.holds.isEmpty)
            await site.advance { site.results.count == 2 }
            #expect(site.clock.now() - MonotonicTime(nanoseconds: 0) >= .seconds(30))
            #expect(site.results.last?.attempts == 0)
            #expect(site.pipeline.accountHolds.isEmpty)
        }
    }

    @Test func threeAccountsWithConcurrentWritesHoldTheWorker() async throws {
        try await site { _ in
            .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota 'concurrent write request' of service 'p'")
        } _: { site in
            for name in ["ann", "bob", "cay"] { site.submit(name, account: name) }
            await site.advance(for: .seconds(60)) { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.rateLimited])
        }
    }

    @Test func aSpentDayIsOverUntilItsResetWhateverWasCounted() async throws {
        var options = Site.Options()
        options.perDay = 1000
        let isSpent = Lock(true)
        try await site(options) { _ in
            isSpent.withLock { $0 }
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for limit 'All requests per day' of service") : .ok
        } _: { site in
            for number in 0..<10 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.quotaDay])
            // Twelve hours to the reset.
            await site.pass(.seconds(43_000))
            #expect(site.photos.calls.count == 1)
            isSpent.withLock { $0 = false }
            await site.advance(for: .seconds(1_200)) { site.results.count == 10 }
            #expect(site.results.count == 10 && site.results.allSatisfy { $0.attempts == 0 })
        }
    }

    /// The quota may have been raised: an operator who says so is believed as far as one call.
    @Test func aProbeOfASpentDayMakesACall() async throws {
        var options = Site.Options()
        options.perDay = 1000
        let isSpent = Lock(true)
        try await site(options) { _ in
            isSpent.withLock { $0 }
                ? .error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for limit 'All requests per day' of service") : .ok
        } _: { site in
            for number in 0..<10 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.photos.calls.count == 1)
            #expect(site.pipeline.probe())
            await site.pass(.seconds(120))
            #expect(site.photos.calls.count == 2, "one, and it was refused again")
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.quotaDay])
            isSpent.withLock { $0 = false }
            #expect(site.pipeline.probe())
            await site.advance(for: .seconds(120)) { site.results.count == 10 }
            #expect(site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    /// Those that are admitted at the same time must not take the last calls of the day twice.
    @Test func aDaysShareIsNotExceededByThoseWhoAskTogether() async throws {
        var options = Site.Options()
        options.perDay = 21
        options.concurrency = 16
        try await site(options) { _ in
            .ok
        } _: { site in
            for number in 0..<60 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance { !site.pipeline.snapshot.holds.isEmpty && site.pipeline.snapshot.callsInFlight == 0 }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.quotaDay])
            #expect(site.photos.calls.count == 21)
            await site.advance { site.results.count == 60 }
            #expect(site.results.count == 60 && site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func aClockThatIsWrongHoldsBeforeTheDayIsBelieved() async throws {
        var options = Site.Options()
        options.perDay = 1000
        let isWrong = Lock(true)
        try await site(options) { _ in
            .answered(
                status: 200,
                // The site's clock begins at noon.
                fields: isWrong.withLock { $0 } ? [("Date", "Mon, 23 Nov 2026 10:00:00 GMT")] : [], body: [])
        } _: { site in
            site.submit("a", account: "ann")
            site.submit("b", account: "bob")
            await site.advance { site.results.count == 1 }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.clockSuspect])
            #expect(site.pipeline.snapshot.holds.first?.detail.contains("10:00:00") == true)
            isWrong.withLock { $0 = false }
            site.submit("c", account: "cay")
            await site.advance { site.results.count == 3 }
            #expect(site.pipeline.snapshot.holds.isEmpty)
        }
    }

    /// It may be a cache's, or a gateway's with a clock of its own.
    @Test func oneAnswerWithAnotherTimeIsBelievedByNobody() async throws {
        var options = Site.Options()
        options.perDay = 1000
        try await site(options) { call in
            .answered(
                status: 200, fields: call.token == "t-a" ? [("Date", "Mon, 23 Nov 2026 10:00:00 GMT")] : [], body: [])
        } _: { site in
            site.submit("a", account: "ann")
            for number in 0..<3 { site.submit("b\(number)", account: "bob") }
            await site.advance { site.results.count == 4 }
            #expect(site.pipeline.snapshot.holds.isEmpty)
        }
    }

    @Test func requestsPerSecondAreKept() async throws {
        var options = Site.Options()
        options.perSecond = 2
        try await site(options) { _ in
            .ok
        } _: { site in
            for number in 0..<21 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance { site.results.count == 21 }
            let took = (site.clock.now() - MonotonicTime(nanoseconds: 0)).inSeconds
            #expect((9.0...10.5).contains(took), "\(took) s")
        }
    }

    // MARK: What looks like an outage

    @Test func manyAlbumsThatAnswerBeforeTheirCallsAreNoOutage() async throws {
        try await site(albums: { _ in .album(joined: false) }) { _ in
            .ok
        } _: { site in
            for number in 0..<20 {
                site.submit("j\(number)", account: "a\(number)", lane: "due") {
                    $0.headers = FieldTable()
                    $0.headers?.append(JobHeaders.Name.ambiguous, .boolean(true))
                }
            }
            await site.advance { site.resultCount == 20 }
            #expect(site.results.allSatisfy { $0.outcome == "already_left" })
            let holds = site.events.filter { if case .holdsChanged = $0 { true } else { false } }
            #expect(holds.isEmpty)
            #expect(site.photos.calls.isEmpty)
        }
    }

    /// Row 34: forty accounts at the head, whose refreshes fail, each after a second.
    @Test func accountsWithoutATokenKeepNobodyWaiting() async throws {
        var options = Site.Options()
        options.withoutToken = { $0.hasPrefix("evil") }
        options.tokenTakes = .seconds(1)
        try await site(options) { _ in
            .ok
        } _: { site in
            for number in 0..<40 {
                site.submit("bad\(number)", account: "evil\(number)", more: #","deadline":"2026-11-23T16:00:00Z""#)
            }
            for number in 0..<100 { site.submit("good\(number)", account: "a\(number % 20)") }
            await site.advance(for: .seconds(140)) { site.resultCount > 0 }
            #expect(site.resultCount > 0, "the first within two rounds")
            await site.advance(for: .seconds(3_600)) { site.resultCount == 100 }
            #expect(site.results.count { $0.outcome == "left" } == 100)
            await site.advance { site.resultCount == 140 }
            #expect(site.results.count { $0.reason == "deadline_exceeded" } == 40)
        }
    }

    @Test func aTokenServiceThatIsAwayForEverybodyHoldsTheWorker() async throws {
        var options = Site.Options()
        let isAway = Lock(true)
        options.isTokenServiceAway = { isAway.withLock { $0 } }
        try await site(options) { _ in
            .ok
        } _: { site in
            for number in 0..<60 { site.submit("j\(number)", account: "a\(number)") }
            await site.advance(for: .seconds(600)) { !site.pipeline.snapshot.holds.isEmpty }
            #expect(site.pipeline.snapshot.holds.map(\.cause) == [.clientMisconfigured])
            await site.pass(.seconds(7_200))
            #expect(site.results.isEmpty && site.photos.calls.isEmpty)
            #expect(site.broker.waiting == 60)
            isAway.withLock { $0 = false }
            await site.advance { site.resultCount == 60 }
            #expect(site.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
            #expect(site.pipeline.snapshot.holds.isEmpty)
        }
    }
}
