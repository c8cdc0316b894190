import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What does not depart beside what is on its way.
@Suite struct ClaimedKeysTests {
    private static let now = MonotonicTime(nanoseconds: 0)

    /// Of a day of its own, if none is said.
    private static func claim(_ id: String, account: String, day: String? = nil) -> JobRequest {
        var arrival = Sample.arrival(id)
        arrival.account = AccountID(account)
        var claim = Sample.claim(arrival, day: day ?? id)
        claim.limits = AccountLimits(slots: 1, perMinute: 60)
        return .claim(claim)
    }

    private static func backlog(_ requests: [JobRequest]) -> PostgresBacklog {
        var backlog = PostgresBacklog()
        for request in requests { backlog.add(request, fence: 0, at: now) { _, _ in } }
        return backlog
    }

    private static func keys(of requests: [JobRequest]) -> ClaimedKeys {
        var backlog = backlog(requests)
        var keys = ClaimedKeys()
        keys.add(backlog.take(most: 99, besides: ClaimedKeys(), at: now), changing: [])
        return keys
    }

    private static func take(_ requests: [JobRequest], besides claimed: ClaimedKeys, most: Int = 99) -> [String] {
        var backlog = backlog(requests)
        let taken = backlog.take(most: most, besides: claimed, at: now).requests.map { "\($0.request.jobID)" }
        let left = backlog.take(most: 99, besides: ClaimedKeys(), at: now).requests.map { "\($0.request.jobID)" }
        // None is lost, and those that stay keep their order.
        #expect(taken.count + left.count == requests.count)
        return taken
    }

    @Test func aJobOnItsWayWaits() {
        let flying = Self.keys(of: [Self.claim("a", account: "x")])
        let mark = JobRequest.mark(.result, JobID("a"), generation: 0)
        #expect(Self.take([mark, Self.claim("b", account: "y")], besides: flying) == ["b"])
    }

    @Test func anAccountOnItsWayWaits() {
        let flying = Self.keys(of: [Self.claim("a", account: "x")])
        #expect(Self.take([Self.claim("b", account: "x"), Self.claim("c", account: "y")], besides: flying) == ["c"])
    }

    /// It is one row of the member's.
    @Test func whatIsCountedOfADayOnItsWayWaits() {
        let flying = Self.keys(of: [Self.claim("a", account: "x", day: "today")])
        let claim = Self.claim("b", account: "y", day: "today")
        let lease = Lease(fence: 1, beginsBefore: .distantFuture, isFirstCall: true)
        let withdrawal = JobRequest.withdraw(lease, JobID("c"), .call, day: "today", Sample.start)
        #expect(Self.take([claim, withdrawal, Self.claim("d", account: "z")], besides: flying) == ["d"])
    }

    /// Else it is looked for again and again, and none departs.
    @Test func whatIsHeldUpOnlyByWhatWaitsIsNotReady() {
        let flying = Self.keys(of: [Self.claim("a", account: "x")])
        let behind = JobRequest.mark(.result, JobID("b"), generation: 0)
        #expect(!Self.backlog([Self.claim("b", account: "x"), behind]).hasReady(besides: flying))
        #expect(Self.backlog([behind]).hasReady(besides: flying))
    }

    @Test func whatComesLaterOnAJobThatWaitsWaitsWithIt() {
        let flying = Self.keys(of: [Self.claim("a", account: "x")])
        let later = JobRequest.mark(.result, JobID("b"), generation: 0)
        #expect(
            Self.take([Self.claim("b", account: "x"), later, Self.claim("c", account: "y")], besides: flying) == ["c"])
        // Also where there was no place for the first of them.
        let first = JobRequest.mark(.result, JobID("c"), generation: 0)
        #expect(Self.take([first, Self.claim("b", account: "y"), later], besides: flying, most: 1) == ["c"])
    }

    /// A batch that fails while another is under way refuses what waits, and not what is known of that other.
    @Test func whatIsInDoubtOfAJobOnItsWayIsNotForgotten() {
        var backlog = Self.backlog([Self.claim("a", account: "x"), Self.claim("b", account: "y")])
        var after = StoredJob()
        after.raiseRevision()
        for id in ["a", "b"] {
            var plan = JobPlan(JobID(id), StoredJob())
            plan.after = after
            backlog.noteDoubt([plan])
        }
        var keys = ClaimedKeys()
        keys.add(backlog.take(most: 1, besides: ClaimedKeys(), at: Self.now), changing: [])
        backlog.refuseWhatIsNotKept(.unavailable("gone"), besides: keys.jobs)
        #expect(backlog.isEmpty)
        #expect(Set(backlog.tries.keys) == [JobID("a")])
    }
}
