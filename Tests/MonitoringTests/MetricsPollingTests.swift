import Clocks
import Ledger
import Pipeline
import Testing

@testable import Monitoring

@Suite(.timeLimit(.minutes(10))) struct MetricsPollingTests {
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
        try await polling(make(limit: 0)) { $0["leave_album_quota_remaining"] == "+Inf" }
    }

    @Test func eachQueueThatExistsIsShown() async throws {
        try await polling(
            make(depth: { $0 == "x.jobs" ? QueueDepth(messages: 3, consumers: 2) : .some(nil) })
        ) { $0[#"leave_album_queue_messages{queue="x.jobs"}"#] == "3" }
        #expect(samples()[#"leave_album_queue_consumers{queue="x.jobs"}"#] == "2")
        #expect(samples()[#"leave_album_queue_messages{queue="x.dead"}"#] == nil)
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
