import Foundation
import Jobs
import Ledger
import Secrets
import Telemetry
import Testing
import Threads

@testable import Pipeline
@testable import leave_albumd

/// What of the pipeline's words becomes a line of a job's story.
@Suite struct PipelineReportTests {
    private func story(_ events: [PipelineEvent]) async throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("ledger").path
        let lock = try #require(try LedgerLock.take(ledger: path))
        let clock = SystemTimekeeper()
        let ledger = try SQLiteLedger(path: path, durability: .normal, lock: lock, clock: clock)
        let arrival = Arrival(
            jobID: JobID("a"), account: AccountID("ann"), tokenHash: SHA256Digest(of: Array("t".utf8)),
            firstSeen: clock.wall())
        _ = try await ledger.record(
            .parked(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 0, due: clock.wall()))
        let report = PipelineReport(
            logger: Logger(control: LogControl(level: .trace)) { _ in }, ledger: ledger, clock: clock)
        for event in events { report.take(event) }
        let story = try await ledger.story(of: JobID("a"))
        await ledger.close(within: .seconds(5))
        return try #require(story).events.map { "\($0.kind) \($0.detail)" }
    }

    private func aside(_ cause: StepAside, moves: Int) -> PipelineEvent {
        .steppedAside(
            JobID("a"), generation: 0, delay: .seconds(10), wait: .seconds(300 - 10 * moves), cause, moves: moves)
    }

    @Test func aWaitIsOneLineHoweverOftenADelayQueueGivesItBack() async throws {
        let parked = PipelineEvent.parked(
            JobID("a"), generation: 0, delay: .seconds(10), wait: .seconds(300), cause: "503")
        #expect(try await story([parked] + (1...28).map { aside(.early, moves: $0) }) == ["parked for 300 s: 503"])
        let lines = try await story((1...28).map { aside(.share, moves: $0) })
        #expect(lines == ["waits for 290 s: mass jobs have had their share of the day so far"])
    }

    @Test func whoMakesRoomIsInItsQueueToAllWhoAsk() async throws {
        #expect(try await story((1...9).map { aside(.turn, moves: $0) }) == [])
    }
}
