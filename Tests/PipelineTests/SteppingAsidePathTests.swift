import AMQP
import Jobs
import Ledger
import Photos
import PipelineDouble
import Testing
import Threads

@testable import Pipeline

/// What steps aside costs nothing, is told once and is never lost.
@Suite struct SteppingAsidePathTests {
    private func askToWait(_ seconds: Int) -> Answer {
        .error(503, "UNAVAILABLE", fields: [("Retry-After", "\(seconds)")])
    }

    private func parkings(_ site: Site) -> Int {
        site.events.count { if case .parked = $0 { true } else { false } }
    }

    private func moves(_ site: Site) -> [StepAside] {
        site.events.compactMap { if case .steppedAside(let copy) = $0 { copy.cause } else { nil } }
    }

    private func report(_ site: Site) async throws -> OpenJob? {
        guard case .open(let open, _)? = try await site.ledger.inner.story(of: JobID("a"))?.state else { return nil }
        return open
    }

    @Test func aWaitLongerThanTheLongestQueueIsParkedOnce() async throws {
        var options = Site.Options()
        options.delays = [.seconds(10)]
        try await site(options) { call in
            call.earlier == 0 ? askToWait(300) : .ok
        } _: { site in
            let start = site.clock.now()
            site.submit("a")
            await site.advance(for: .seconds(150)) { parkings(site) == 1 }
            let due = try #require(try await report(site)?.due)
            await site.advance(for: .seconds(150)) { moves(site).count == 20 }
            // The same copy, of the same number and for the same time, in the broker as in the ledger.
            let open = try #require(try await report(site))
            #expect(open.copy == 1 && open.attempts == 1 && open.due == due)
            let copy = site.broker.messages("retry.10s").first
            #expect(copy?.properties.headers?["x-leave-album-copy"] == .integer(1))
            #expect(copy?.properties.headers?["x-leave-album-attempt"] == .integer(1))
            #expect(copy?.properties.headers?["x-leave-album-not-before"] == .integer(due.milliseconds))
            await site.advance { site.resultCount == 1 }
            #expect(site.clock.now() - start >= .seconds(300) && site.clock.now() - start < .seconds(301))
            #expect(parkings(site) == 1)
            #expect(moves(site) == Array(repeating: .early, count: 24), "the last of it waits in hand")
            #expect(site.results.map(\.attempts) == [1] && site.photos.calls.count == 2)
            #expect(site.broker.settlements.nacks == 0)
        }
    }

    /// Called in a hold and out of the way: the ledger knows of it, so that it is not lost unseen with its queue.
    @Test func whatWasCalledAndSteppedAsideInAHoldIsReportedLostIfItNeverComes() async throws {
        let isUp = Lock(false)
        try await site { _ in
            isUp.withLock { $0 } ? .ok : .redirect
        } _: { site in
            site.submit("a")
            await site.advance { moves(site) == [.hold] }
            let queues = ["retry.5s", "retry.30s", "retry.120s"]
            let queue = try #require(queues.first { !site.broker.messages($0).isEmpty })
            let due = try #require(try await report(site)?.due)
            let copy = site.broker.messages(queue).first
            #expect(copy?.properties.headers?["x-leave-album-not-before"] == .integer(due.milliseconds))
            #expect(copy?.properties.headers?["x-leave-album-copy"] == .integer(0), "the same copy")
            site.broker.purge(queue)
            isUp.withLock { $0 = true }
            site.submit("b", account: "bob")
            await site.advance { site.resultCount == 1 }
            #expect(site.results.map(\.outcome) == ["left"])
            await site.advance(for: .seconds(3_600)) { site.resultCount == 2 }
            #expect(site.results.map(\.reason) == [nil, "job_lost"])
        }
    }

    /// On `due` it would be back at once, thousands of times a second.
    @Test func aWaitThatNoQueueIsShortEnoughForIsWaitedForInHand() async throws {
        var options = Site.Options()
        options.delays = [.seconds(180)]
        try await site(options) { call in
            call.earlier == 0 ? askToWait(290) : .ok
        } _: { site in
            let start = site.clock.now()
            site.submit("a")
            await site.advance { site.resultCount == 1 }
            #expect(site.clock.now() - start >= .seconds(290) && site.clock.now() - start < .seconds(291))
            #expect(moves(site).isEmpty)
            #expect(site.broker.published == 2, "the copy and the result")
        }
    }

    /// Its copy is not lost, however long the account has no turn for it: the ledger knows when it comes.
    @Test func aParkedJobWhoseAccountHasNoTurnForHoursIsNotReportedLost() async throws {
        try await site { call in
            call.earlier < 2 ? .unavailable : .ok
        } _: { site in
            site.submit("a")
            await site.advance { parkings(site) == 1 }
            site.pipeline.pause(account: AccountID("ann"))
            await site.pass(.seconds(3 * 3_600))
            #expect(site.results.isEmpty && parkings(site) == 1)
            let all = moves(site)
            #expect(all.count > 5 && all.allSatisfy { $0 == .turn })
            let open = try #require(try await report(site))
            #expect(open.copy == 1 && open.attempts == 2)
            // A publisher that sends it again gets no second one into the worker's hands.
            site.submit("a")
            await site.pass(.seconds(60))
            #expect(site.photos.calls.count == 2 && moves(site).count <= all.count + 1)
            #expect(site.pipeline.resume(account: AccountID("ann")))
            await site.advance { site.resultCount == 1 }
            #expect(site.results.map(\.outcome) == ["left"] && site.photos.calls.count == 3)
            #expect(!site.events.contains { if case .overdue = $0 { true } else { false } })
        }
    }

    /// The broker has it twice if the worker dies between the confirm and the ack: the second finds what the first did.
    @Test func aCopyThatIsThereTwiceIsCalledOnce() async throws {
        var options = Site.Options()
        options.perMinute = 1
        try await site(options) { _ in
            .ok
        } _: { site in
            site.submit("first")
            site.submit("a")
            await site.advance { !moves(site).isEmpty }
            let copy = try #require(site.broker.newest("retry.5s", 1).first ?? site.broker.newest("retry.30s", 1).first)
            site.broker.put(copy.body, into: "due", properties: copy.properties)
            await site.advance { site.resultCount == 3 }
            #expect(site.photos.calls.count == 2 && site.results.count(where: \.isReplayed) == 1)
        }
    }

    @Test func whoStepsAsideEndsAtItsDeadline() async throws {
        try await site { _ in
            .ok
        } _: { site in
            site.pipeline.pause(account: AccountID("ann"))
            let deadline = site.clock.wall() + .seconds(200)
            site.submit("a", more: #","deadline":"\#(deadline.rfc3339)""#)
            await site.advance { site.resultCount == 1 }
            #expect(site.results.map(\.reason) == ["deadline_exceeded"])
            #expect(site.clock.wall() - deadline <= .seconds(60), "a minute in hand, and not when its turn would come")
        }
    }

    @Test func massJobsThatHaveHadTheirShareKeepTheirNumber() async throws {
        var options = Site.Options()
        options.perDay = 100
        options.pace = .even
        try await site(options) { _ in
            .ok
        } _: { site in
            for number in 0..<80 { site.submit("b\(number)", account: "c\(number)", lane: "bulk") }
            await site.advance(for: .seconds(4 * 3_600)) { moves(site).contains(.share) }
            #expect(moves(site).contains(.share) && parkings(site) == 0)
            let rows = try await site.ledger.statistics().entries
            #expect(rows == site.photos.calls.count, "who has not called has no row")
        }
    }
}
