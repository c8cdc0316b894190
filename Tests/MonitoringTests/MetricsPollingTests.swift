import Clocks
import Concurrency
import Ledger
import Pipeline
import PipelineHarness
import Testing

@testable import Monitoring

@Suite(.timeLimit(.minutes(30))) struct MetricsPollingTests {
    private let clock = SystemTimeSource()
    private let recorder: MetricsRecorder
    private let statistics = LedgerStatistics(
        entries: 1, open: 0, ambiguous: 0, unpublished: 0, overdue: 0, bytes: 1, diskFreeBytes: 1)

    init() {
        recorder = MetricsRecorder(version: "1", delays: [], clock: SystemTimeSource(), state: { "consuming" })
    }

    private func samples() -> [String: String] { Scrape(String(decoding: recorder.text(), as: UTF8.self)).samples }

    /// Runs the polling until the text says what `isSo` waits for.
    private func polling(_ polling: MetricsPolling, until isSo: ([String: String]) -> Bool) async throws {
        let task = Task { await polling.run() }
        while !isSo(samples()) { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        await task.value
    }

    private func make(
        limit: Int = 0, answers: Bool = true,
        spent: @escaping @Sendable () async -> (day: String, count: DayCount)? = { nil },
        depth: @escaping @Sendable (String) async -> QueueDepth?? = { _ in .some(nil) }
    ) -> MetricsPolling {
        MetricsPolling(
            recorder: recorder, statistics: { [statistics] in answers ? statistics : nil }, diskFree: { 7 },
            spent: spent,
            dailyLimit: { limit }, depth: depth,
            queueNames: ["x.jobs", "x.dead"], clock: clock)
    }

    @Test func theQuotaIsWhatTheDayHasLeft() async throws {
        try await polling(make(limit: 100, spent: { ("2026-11-24", DayCount(calls: 60, albumQueries: 5)) })) {
            $0["leave_album_quota_remaining"] == "35"
        }
        try await polling(make(limit: 10, spent: { ("2026-11-24", DayCount(calls: 60, albumQueries: 5)) })) {
            $0["leave_album_quota_remaining"] == "0"
        }
        // For the status of a daemon whose ledger counts what others call.
        #expect(recorder.lastDay?.name == "2026-11-24")
        #expect(recorder.lastDay?.count == DayCount(calls: 60, albumQueries: 5))
        // Also of a day without a limit: how many calls it had.
        let polling = make(limit: 0, spent: { ("2026-11-25", DayCount(calls: 3, albumQueries: 1)) })
        try await self.polling(polling) {
            $0["leave_album_quota_remaining"] == "+Inf" && recorder.lastDay?.name == "2026-11-25"
        }
        #expect(recorder.lastDay?.count == DayCount(calls: 3, albumQueries: 1))
    }

    @Test func eachQueueThatExistsIsShown() async throws {
        try await polling(
            make(depth: { $0 == "x.jobs" ? QueueDepth(messages: 3, consumers: 2) : .some(nil) })
        ) { $0[#"leave_album_queue_messages{queue="x.jobs"}"#] == "3" }
        #expect(samples()[#"leave_album_queue_consumers{queue="x.jobs"}"#] == "2")
        #expect(samples()[#"leave_album_queue_messages{queue="x.dead"}"#] == nil)
    }

    /// It answers all the daemons over it.
    @Test func theDatabaseIsAskedHowItIsEachHalfMinuteAndTheLedgerEachQuarter() async throws {
        let clock = ManualClock(start: Timestamp(milliseconds: 0), activity: Activity())
        let recorder = MetricsRecorder(version: "1", delays: [], clock: clock, state: { "consuming" })
        let asked = Lock((ledger: 0, database: 0))
        let polling = MetricsPolling(
            recorder: recorder,
            statistics: {
                asked.withLock { $0.ledger += 1 }
                return nil
            },
            database: {
                asked.withLock { $0.database += 1 }
                return DatabaseCondition(xminAge: nil, replication: .noStandby, timeline: 1)
            }, diskFree: { nil }, spent: { nil }, dailyLimit: { 0 }, depth: { _ in nil }, queueNames: [],
            clock: clock)
        let task = Task { await polling.run() }
        for round in 0..<5 {
            let (ledger, database) = (round + 1, round / 2 + 1)
            while asked.withLock({ $0.ledger }) < ledger || asked.withLock({ $0.database }) < database {
                await Task.yield()
            }
            // Each of the six sleeps again, or whoever is woken twice in a row would be counted late.
            while clock.sleeping < 6 { await Task.yield() }
            #expect(asked.withLock { $0.ledger } == ledger, "after \(round * 15) s")
            #expect(asked.withLock { $0.database } == database, "after \(round * 15) s")
            clock.advance(to: clock.now() + MetricsPolling.interval)
        }
        task.cancel()
        await task.value
    }

    @Test(arguments: [
        (Duration?.none, Duration.seconds(15)), (.milliseconds(20), .seconds(15)), (.seconds(1), .seconds(100)),
        (.seconds(3_600), .seconds(1_800)),
    ])
    func countingTakesAHundredthOfTheTime(took: Duration?, pause: Duration) {
        #expect(MetricsPolling.pause(afterCounting: took) == pause)
    }

    /// A full disk is why it does not answer, and has an alert of its own.
    @Test func theDisksSpaceIsShownWhileTheLedgerCannotAnswer() async throws {
        try await polling(make(answers: false)) { $0["leave_album_ledger_disk_free_bytes"] == "7" }
        #expect(samples()["leave_album_ledger_entries"] == nil)
    }

    /// The broker answers never; the ledger's numbers come, and a scrape does not notice.
    @Test func whatHangsDelaysNoScrapeAndNobodyElse() async throws {
        let gate = AsyncStream<Void>.makeStream()
        let hanging = make(depth: { _ in
            for await _ in gate.stream {}
            return nil
        })
        let task = Task { await hanging.run() }
        while samples()["leave_album_ledger_entries"] != "1" { try await Task.sleep(for: .milliseconds(5)) }
        let began = clock.now()
        for _ in 0..<20 { _ = recorder.text() }
        #expect(clock.now() - began < .seconds(2), "milliseconds each, on a machine that is busy")
        #expect(samples()[#"leave_album_queue_messages{queue="x.jobs"}"#] == nil)
        gate.continuation.finish()
        task.cancel()
        await task.value
    }
}
