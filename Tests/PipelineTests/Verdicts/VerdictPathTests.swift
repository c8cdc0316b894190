import AMQP
import Clocks
import Concurrency
import JSON
import Jobs
import Ledger
import Messages
import Photos
import PipelineHarness
import Testing

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
        try await harness(albums: { _ in album }) { _ in
            Self.refused
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == [outcome])
            #expect(harness.results.first?.effect == effect)
            #expect(harness.results.first?.reason == reason)
            #expect(harness.photos.calls.count == 1 && harness.photos.albumQueries.count == 1)
        }
    }

    @Test(arguments: [Answer.ambiguous(detail: "reset"), .html, .error(408, "ABORTED"), .error(504, "UNAVAILABLE")])
    func aCallThatWentUnheardIsSettledByAnAlbumQuery(answer: Answer) async throws {
        try await harness(albums: { _ in .album(joined: false) }) { _ in
            answer
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.photos.albumQueries.count == 1 }
            let asked = harness.clock.now() - MonotonicTime(nanoseconds: 0)
            #expect(asked >= .seconds(5) && asked < .seconds(7), "what is on its way has arrived by then")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["already_left"])
            #expect(harness.photos.calls.count == 1 && harness.photos.albumQueries.count == 1)
        }
    }

    @Test func aCallThatWentUnheardInACopyIsAskedAfterToo() async throws {
        try await harness(albums: { _ in .album(joined: true) }) { call in
            call.earlier < 2 ? .ambiguous(detail: "reset") : .ok
        } _: { harness in
            harness.submit("a")
            // Each by a question: the second call with the delivery, the third with its copy.
            await harness.advance { harness.broker.count("retry.5s") == 1 }
            #expect(harness.photos.calls.count == 2 && harness.photos.albumQueries.count == 1)
            let copy = try #require(harness.broker.messages("retry.5s").first)
            let headers = JobHeaders(reading: copy.properties.headers)
            #expect(headers.mustQueryAlbum && headers.isAmbiguous && headers.attempts == 2)
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            #expect(harness.photos.calls.count == 3 && harness.photos.albumQueries.count == 2)
        }
    }

    @Test func aPauseThatEndsAtOnceBringsNoQuestionBeforeItsTime() async throws {
        try await harness(albums: { _ in .album(joined: true) }) { call in
            call.earlier == 0 ? .ambiguous(detail: "reset") : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.photos.calls.count == 1 }
            harness.pipeline.pause(by: "me")
            await harness.pass(.milliseconds(100))
            #expect(harness.broker.count("due") == 1, "it went back as the copy that it is")
            #expect(harness.pipeline.resume(.operatorPaused) == .lifted)
            await harness.advance { harness.photos.albumQueries.count == 1 }
            #expect(harness.clock.now() - MonotonicTime(nanoseconds: 0) >= .seconds(5))
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"] && harness.photos.calls.count == 2)
        }
    }

    @Test func whoeverComesBackUnsureAsksBeforeCalling() async throws {
        try await harness(albums: { _ in .album(joined: true) }) { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["left"])
            // Two calls in hand, parked, one question, one call.
            #expect(harness.photos.calls.count == 3 && harness.photos.albumQueries.count == 1)
        }
    }

    @Test func anAlbumThatWasAskedBeforeTheCallIsAskedAgainWhereAnEarlierCallMayHaveArrivedSince() async throws {
        try await harness(albums: { _ in .album(joined: true) }) { call in
            call.earlier < 2 ? .unavailable : Self.refused
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.first?.reason == "leave_refused")
            #expect(harness.results.first?.effect == "not_left")
            #expect(harness.photos.albumQueries.count == 2)
        }
    }

    @Test func anAlbumQueryThatFailsIsAskedAgainAndNeverMakesAJobAmbiguous() async throws {
        try await harness(albums: { $0.earlier == 0 ? .unavailable : .album(joined: false) }) { _ in
            Self.refused
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["already_left"])
            #expect(harness.results.first?.attempts == 1)
            #expect(harness.photos.calls.count == 1, "the question comes first the second time")
        }
    }

    @Test(arguments: [Answer.unavailable, .html])
    func betweenAlbumQueriesThatFailIsTheWaitOfCallsThatFail(album: Answer) async throws {
        try await harness(albums: { _ in album }) { _ in
            Self.refused
        } _: { harness in
            let began = harness.clock.now()
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            let questions = harness.photos.albumQueries.count
            #expect(questions >= 3 && harness.photos.calls.count == 1)
            #expect(harness.clock.now() - began >= .seconds(questions - 1), "a second at least before each next one")
        }
    }

    @Test func anAbortedOperationIsAskedAfterBeforeTheLastTry() async throws {
        var options = Harness.Options()
        options.maxAttempts = 3
        try await harness(options, albums: { _ in .album(joined: false) }) { _ in
            .error(409, "ABORTED", "The operation was aborted.")
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.map(\.outcome) == ["already_left"])
            #expect(harness.photos.calls.count == 2 && harness.photos.albumQueries.count == 1)
        }
    }

    // MARK: Neighbours

    @Test func aRefusalIsFinalWhileOtherJobsSucceed() async throws {
        try await harness { call in
            call.token == "t-bad" ? Self.denied : .ok
        } _: { harness in
            harness.submit("good", account: "bob")
            await harness.advance { harness.resultCount == 1 }
            harness.submit("bad", account: "ann")
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "permission_denied")
            #expect(harness.results.last?.attempts == 0, "only faults of the server cost attempts")
            #expect(harness.photos.calls.count == 2)
        }
    }

    @Test func withoutOtherJobsItIsParkedTwiceAndDeadTheThirdTime() async throws {
        try await harness { _ in
            Self.denied
        } _: { harness in
            harness.submit("a")
            await harness.advance { harness.resultCount > 0 }
            #expect(harness.results.first?.reason == "permission_denied")
            #expect(harness.photos.calls.count == 3)
            #expect((harness.clock.now() - MonotonicTime(nanoseconds: 0)) >= .seconds(600))
        }
    }

    @Test func aTokenThatIsRefusedThoughItIsFreshGetsThreeMoreChances() async throws {
        try await harness { call in
            call.token == "t-bad" ? .error(401, "UNAUTHENTICATED", "x") : .ok
        } _: { harness in
            harness.submit("good", account: "bob")
            harness.submit("bad", account: "ann")
            await harness.advance { harness.resultCount == 2 }
            #expect(harness.results.last?.reason == "auth_rejected")
            // Each time once with the token that is there and once with a fresh one.
            #expect(harness.photos.calls.filter { $0.token == "t-bad" }.count == 8)
        }
    }

    /// A static file whose token has ended, or a provider that has no other: nobody dies of it.
    @Test func aTokenThatIsRefusedToEverybodyAndHasNoSuccessorHoldsTheWorker() async throws {
        var options = Harness.Options()
        options.hasOneToken = true
        let isRefused = Lock(true)
        try await harness(options) { _ in
            isRefused.withLock { $0 } ? .error(401, "UNAUTHENTICATED", "x") : .ok
        } _: { harness in
            for number in 0..<100 { harness.submit("j\(number)", account: "a\(number % 10)") }
            await harness.advance(for: .seconds(60)) { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.clientMisconfigured])
            await harness.pass(.seconds(86_400))
            #expect(harness.resultCount == 0 && harness.deadLetters.isEmpty)
            #expect(harness.photos.calls.count <= 100, "\(harness.photos.calls.count) calls")
            isRefused.withLock { $0 = false }
            await harness.advance { harness.resultCount == 100 }
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    /// A day long; by default a part of it.
    @Test func aBlanketRefusalOfHoursCostsNothingAndTouchesFew() async throws {
        let hours = Drill.isWhole ? 24 : 4
        let isRetired = Lock(true)
        try await harness { _ in
            isRetired.withLock { $0 } ? Self.denied : .ok
        } _: { harness in
            // A job a minute.
            for minute in 0..<hours * 60 {
                harness.submit("j\(minute)", account: "a\(minute)")
                await harness.pass(.seconds(60))
                if minute == 60 {
                    #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.apiRetired])
                    #expect(Set(harness.photos.calls.map(\.token)).count <= 20)
                }
            }
            #expect(harness.resultCount == 0 && harness.deadLetters.isEmpty)
            #expect(harness.broker.waiting == hours * 60)
            let calls = harness.photos.calls.count
            #expect(calls < 12 + hours * 12, "\(calls) calls")
            isRetired.withLock { $0 = false }
            await harness.advance { harness.resultCount == hours * 60 }
            #expect(harness.resultCount == hours * 60)
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
        }
    }

    @Test func aRemovedMethodThatKnowsNothingIsHeldAtTwentyAccounts() async throws {
        try await harness { _ in
            Self.refused
        } _: { harness in
            for number in 0..<100 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance(for: .seconds(1200)) { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.apiRetired])
            #expect(harness.photos.calls.count <= 24)
            await harness.pass(.seconds(3600))
            #expect(harness.resultCount == 0 && harness.deadLetters.isEmpty)
            #expect(harness.broker.waiting == 100)
        }
    }

    // MARK: The breaker

    @Test func aServerThatFailsForEverybodyCostsNobodyMoreThanItsFirstTries() async throws {
        let hours = Drill.isWhole ? 24 : 4
        let isDown = Lock(true)
        var options = Harness.Options()
        options.concurrency = 1
        try await harness(
            options, albums: { _ in isDown.withLock { $0 } ? .unavailable : .album(joined: true) }
        ) { _ in
            isDown.withLock { $0 } ? .unavailable : .ok
        } _: { harness in
            for number in 0..<50 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance(for: .seconds(60)) { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.apiUnavailable])
            await harness.pass(.seconds(hours * 3_600))
            #expect(harness.resultCount == 0)
            #expect(harness.photos.calls.count + harness.photos.albumQueries.count < 60 + hours * 12)
            isDown.withLock { $0 = false }
            await harness.advance { harness.resultCount == 50 }
            #expect(harness.resultCount == 50)
            let spent = harness.results.map(\.attempts).reduce(0, +)
            #expect(spent <= 2, "\(spent) attempts spent")
        }
    }

    // MARK: What looks like an outage

    @Test func manyAlbumsThatAnswerBeforeTheirCallsAreNoOutage() async throws {
        try await harness(albums: { _ in .album(joined: false) }) { _ in
            .ok
        } _: { harness in
            for number in 0..<20 {
                harness.submit("j\(number)", account: "a\(number)", lane: "due") {
                    $0.headers = FieldTable()
                    $0.headers?.append(JobHeaders.Name.ambiguous, .boolean(true))
                }
            }
            await harness.advance { harness.resultCount == 20 }
            #expect(harness.results.allSatisfy { $0.outcome == "already_left" })
            let holds = harness.events.filter { if case .holdsChanged = $0 { true } else { false } }
            #expect(holds.isEmpty)
            #expect(harness.photos.calls.isEmpty)
        }
    }

    /// Row 34: forty accounts at the head, whose refreshes fail, each after a second.
    @Test func accountsWithoutATokenKeepNobodyWaiting() async throws {
        var options = Harness.Options()
        options.withoutToken = { $0.hasPrefix("evil") }
        options.tokenTakes = .seconds(1)
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 0..<40 {
                harness.submit("bad\(number)", account: "evil\(number)", more: #","deadline":"2026-11-23T16:00:00Z""#)
            }
            for number in 0..<100 { harness.submit("good\(number)", account: "a\(number % 20)") }
            await harness.advance(for: .seconds(140)) { harness.resultCount > 0 }
            #expect(harness.resultCount > 0, "the first within two rounds")
            await harness.advance(for: .seconds(3_600)) { harness.resultCount == 100 }
            #expect(harness.results.count { $0.outcome == "left" } == 100)
            await harness.advance { harness.resultCount == 140 }
            #expect(harness.results.count { $0.reason == "deadline_exceeded" } == 40)
        }
    }

    @Test func aTokenServiceThatIsAwayForEverybodyHoldsTheWorker() async throws {
        var options = Harness.Options()
        let isAway = Lock(true)
        options.isTokenServiceAway = { isAway.withLock { $0 } }
        try await harness(options) { _ in
            .ok
        } _: { harness in
            for number in 0..<60 { harness.submit("j\(number)", account: "a\(number)") }
            await harness.advance(for: .seconds(600)) { !harness.pipeline.snapshot.holds.isEmpty }
            #expect(harness.pipeline.snapshot.holds.map(\.cause) == [.clientMisconfigured])
            await harness.pass(.seconds(7_200))
            #expect(harness.resultCount == 0 && harness.photos.calls.isEmpty)
            #expect(harness.broker.waiting == 60)
            isAway.withLock { $0 = false }
            await harness.advance { harness.resultCount == 60 }
            #expect(harness.results.allSatisfy { $0.outcome == "left" && $0.attempts == 0 })
            #expect(harness.pipeline.snapshot.holds.isEmpty)
        }
    }
}
