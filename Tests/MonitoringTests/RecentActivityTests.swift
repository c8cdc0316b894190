import Clocks
import Concurrency
import Operations
import Telemetry
import Testing

@testable import Jobs
@testable import Monitoring
@testable import Photos
@testable import Pipeline

/// What the board makes of the pipeline's words.
@Suite struct RecentActivityTests {
    /// A clock that a test moves.
    private final class Clock: TimeSource {
        private let elapsed = Lock(Duration.zero)
        func now() -> MonotonicTime { MonotonicTime(nanoseconds: 0) + elapsed.withLock { $0 } }
        func wall() -> Timestamp { Timestamp(milliseconds: 1_795_000_000_000) + elapsed.withLock { $0 } }
        func sleep(until time: MonotonicTime) async {}
        func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
    }

    private let clock = Clock()

    private func status(of tracker: RecentActivity, hashing: Bool = false) -> DaemonStatus {
        var status = DaemonStatus(
            version: "1", pid: 1, startedAt: clock.wall(), at: clock.wall(), state: "consuming", since: clock.wall())
        tracker.add(to: &status, hashingAccounts: hashing)
        return status
    }

    private func ended(_ id: String?, _ outcome: Outcome, _ reason: Reason? = nil, detail: String? = nil)
        -> PipelineEvent
    {
        .ended(
            .init(
                jobID: id.map { JobID($0) }, account: id.map { AccountID("account of \($0)") }, outcome: outcome,
                reason: reason, attempts: 2, timeToResult: .seconds(1), detail: detail))
    }

    private func called(_ duration: Duration, verdict: String = "left") -> PipelineEvent {
        .called(
            PipelineEvent.Call(
                request: .leave, jobID: JobID("a"), account: AccountID("b"), generation: 0, row: 4, verdict: verdict,
                httpStatus: 200, duration: duration, detail: ""))
    }

    @Test func newActivityIsEmpty() {
        let status = status(of: RecentActivity(clock: clock))
        #expect(status.failures == [] && status.deadLetters == [])
        #expect(status.history?.ended == [])
    }

    @Test func failuresAreKeptWithWhatIsKnownOfThem() {
        let tracker = RecentActivity(clock: clock)
        let first = clock.wall()
        tracker.take(ended("one", .left))
        tracker.take(ended("two", .failed, .grantRevoked, detail: "taken back"))
        clock.advance(by: .seconds(5))
        tracker.take(ended("three", .alreadyLeft))
        tracker.take(ended(nil, .rejected, .malformedJob))
        #expect(
            status(of: tracker).failures == [
                .init(
                    at: first + .seconds(5), jobID: nil, account: nil, outcome: "rejected", reason: "malformed_job",
                    detail: nil, attempts: 2),
                .init(
                    at: first, jobID: "two", account: "account of two", outcome: "failed", reason: "grant_revoked",
                    detail: "taken back", attempts: 2),
            ])
    }

    @Test func onlyTheLastTwentyStay() {
        let tracker = RecentActivity(clock: clock)
        for number in 1...50 { tracker.take(ended("job\(number)", .failed, .expired)) }
        #expect(status(of: tracker).failures.map(\.jobID) == (31...50).reversed().map { "job\($0)" })
    }

    @Test func accountsAreHashedAsInTheLog() throws {
        let tracker = RecentActivity(clock: clock)
        tracker.take(ended("one", .failed, .expired))
        let account = try #require(status(of: tracker, hashing: true).failures.first?.account)
        let line = LogLine(
            time: clock.wall(), level: .info, message: "x",
            fields: [LogField("account", .account(Array("account of one".utf8)))],
            location: CodeLocation(file: "f", line: 1, function: "g")
        ).text(hashesAccounts: true)
        #expect(account.hasPrefix("sha256:") && line.hasSuffix(" account=\(account)"), "\(line)")
        #expect(status(of: tracker).failures.first?.account == "account of one", "the setting may change while it runs")
    }

    @Test func deadLettersAreCountedByReason() {
        let tracker = RecentActivity(clock: clock)
        for reason in [Reason.expired, .grantRevoked, .expired] { tracker.take(.deadLetterPublished(reason)) }
        #expect(
            status(of: tracker).deadLetters == [
                .init(reason: "grant_revoked", count: 1), .init(reason: "expired", count: 2),
            ])
    }

    @Test func ratesAndLatencyAreHistory() throws {
        let tracker = RecentActivity(clock: clock)
        tracker.take(ended("one", .left))
        tracker.take(ended("two", .failed, .expired))
        tracker.take(called(.milliseconds(200)))
        // Of these nothing was sent.
        for _ in 0..<3 { tracker.take(called(.seconds(9), verdict: "withdraw")) }
        tracker.take(.replayed(JobID("one")))
        clock.advance(by: .seconds(25))
        let history = try #require(status(of: tracker).history)
        #expect(history.ended == [2, 0] && history.failed == [1, 0])
        #expect(history.until == clock.wall() - .seconds(5))
        let median = try #require(history.apiMedian[0])
        #expect(median > .milliseconds(185) && median < .milliseconds(215))
        #expect(history.apiMedian[1] == nil)
    }

    /// From many threads at once: every word is counted once.
    @Test func allEventsAreCounted() async throws {
        let tracker = RecentActivity(clock: clock)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { tracker.take(.deadLetterPublished(.poison)) }
                    for _ in 0..<1000 { tracker.take(ended("x", .failed, .poison)) }
                }
            }
        }
        clock.advance(by: .seconds(10))
        let status = status(of: tracker)
        #expect(status.deadLetters == [.init(reason: "poison", count: 8000)])
        #expect(status.history?.ended == [8000] && status.history?.failed == [8000])
        #expect(status.failures.count == RecentFailures.kept)
    }
}
