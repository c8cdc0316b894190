import Clocks
import Jobs
import Testing

@testable import Ledger
@testable import PostgresLedger

/// What does not depart beside what is on its way.
@Suite struct ClaimedKeysTests {
    private static let now = MonotonicTime(nanoseconds: 0)

    private static func claim(_ id: String, account: String, day: Int64? = nil) -> JobRequest {
        var arrival = Sample.arrival(id)
        arrival.account = AccountID(account)
        var claim = Sample.claim(arrival)
        (claim.limits, claim.allottedTo) = (AccountLimits(slots: 1, perMinute: 60), day)
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

    @Test func whatSpendsOfADayOnItsWayWaits() {
        let flying = Self.keys(of: [Self.claim("a", account: "x", day: 1)])
        #expect(
            Self.take([Self.claim("b", account: "y", day: 1), Self.claim("c", account: "z")], besides: flying) == ["c"])
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
}
