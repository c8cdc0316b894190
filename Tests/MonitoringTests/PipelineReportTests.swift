import Clocks
import Concurrency
import Foundation
import Ledger
import SQLiteLedger
import Secrets
import Telemetry
import Testing

@testable import Jobs
@testable import Monitoring
@testable import Pipeline

/// What of the pipeline's words becomes a line of the log or of a job's story.
@Suite struct PipelineReportTests {
    private func history(_ events: [PipelineEvent]) async throws -> [String] { try await report(events).history }

    /// The lines of the log from `level` up, without their time.
    private func log(_ events: [PipelineEvent], from level: LogLevel = .info) async throws -> [String] {
        try await report(events).lines.filter { $0.level >= level }
            .map { String($0.text(hashesAccounts: false).drop { $0 != " " }.dropFirst()) }
    }

    private func report(_ events: [PipelineEvent]) async throws -> (history: [String], lines: [LogLine]) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("ledger").path
        let lock = try #require(try LedgerLock.take(ledger: path))
        let clock = SystemTimeSource()
        let ledger = try EmbeddedLedger(path: path, durability: .normal, lock: lock, clock: clock)
        let arrival = Arrival(
            jobID: JobID("a"), account: AccountID("ann"), tokenHash: SHA256Digest(of: Array("t".utf8)),
            firstSeen: clock.wall())
        _ = try await ledger.record(
            .parked(arrival, attempts: 1, isAmbiguous: false, malformedAnswers: 0, due: clock.wall()), under: nil,
            isUnheard: false)
        let lines = Lock<[LogLine]>([])
        let report = PipelineReport(
            logger: Logger(control: LogControl(level: .trace)) { line in lines.withLock { $0.append(line) } },
            ledger: ledger, clock: clock)
        for event in events { report.take(event) }
        let history = try await ledger.history(of: JobID("a"))
        await ledger.close(within: .seconds(5))
        return (try #require(history).events.map { "\($0.kind) \($0.detail)" }, lines.withLock { $0 })
    }

    private func aside(_ cause: StepAside, moves: Int) -> PipelineEvent {
        .steppedAside(
            .init(
                jobID: JobID("a"), generation: 0, delay: .seconds(10), wait: .seconds(300 - 10 * moves), cause: cause,
                moves: moves))
    }

    @Test func aWaitIsOneLineHoweverOftenADelayQueueGivesItBack() async throws {
        let parked = PipelineEvent.parked(
            .init(jobID: JobID("a"), generation: 0, delay: .seconds(10), wait: .seconds(300), cause: "503"))
        #expect(try await history([parked] + (1...28).map { aside(.early, moves: $0) }) == ["parked for 300 s: 503"])
        let traced = PipelineEvent.parked(
            .init(
                jobID: JobID("a"), generation: 0, delay: .seconds(10), wait: .seconds(300), cause: "503",
                traceID: "0af7651916cd43dd8448eb211c80319c"))
        let line = try #require(await history([traced]).first)
        #expect(line == "parked for 300 s: 503 (trace 0af7651916cd43dd8448eb211c80319c)")
        #expect(JobEvent.trace(of: line) == "0af7651916cd43dd8448eb211c80319c")
        let lines = try await history((1...28).map { aside(.share, moves: $0) })
        #expect(lines == ["waits for 290 s: mass jobs have had their share of the day so far"])
    }

    // MARK: Holds

    private static let since = Timestamp(milliseconds: 1_795_507_200_000)

    private func hold(tried: Int, next: Duration, ended: [String] = []) -> Hold {
        var hold = Hold.example(.apiRetired, since: Self.since, nextProbeAt: Self.since + next)
        hold.refusedProbes = tried
        hold.ended = ended.map { JobID($0) }
        return hold
    }

    @Test func aHoldNamesTheJobsThatHadEndedForItAndTheRedriveThatBringsThemBack() async throws {
        let held = hold(tried: 0, next: .seconds(5), ended: ["a", "b"])
        let lines = try await log([.holdsChanged(.init(holds: [held], lifted: []))])
        #expect(
            lines == [
                "warning on hold: for an example cause=api_retired since=2026-11-24T08:00:00.000Z "
                    + "next_probe=2026-11-24T08:00:05.000Z tried=0 ended=2 "
                    + #"redrive="leave-albumd dead redrive --job=a --job=b""#
            ])
    }

    @Test func aRoundIsOneLineHoweverManyJobsItTries() async throws {
        let lines = try await log(
            (0...8).map { .holdsChanged(.init(holds: [hold(tried: $0, next: .seconds(5))], lifted: [])) }
                // What is equal is counted for a minute: only a change of the hold's own words is a line then.
                + [.holdsChanged(.init(holds: [], lifted: [hold(tried: 8, next: .seconds(5))]))])
        #expect(lines.count == 2 && lines[1] == "notice hold lifted cause=api_retired", "\(lines)")
        #expect(!lines[0].contains("redrive"))
    }

    @Test func anAccountThatIsRefusedAgainAndAgainIsAWarningAndItsOwnRateIsNone() async throws {
        let refused = AccountHold(
            account: AccountID("ann"), cause: "refused", until: Self.since, detail: "403: no", isFault: true)
        let slow = AccountHold(
            account: AccountID("bob"), cause: "quota_minute", until: Self.since, detail: "429", isFault: false)
        let lines = try await log([
            .accountWaits(refused), .accountWaits(slow),
            .accountGoesOn(.init(account: AccountID("ann"), cause: "refused")),
        ])
        #expect(
            lines == [
                "warning an account waits, and others go on: its calls fail and nobody else's was made since; it tries "
                    + "again by itself, or when its fault is mended at `leave-albumd resume --account`: 403: no "
                    + "account=ann cause=refused until=2026-11-24T08:00:00.000Z",
                "info an account waits for its own rate: 429 account=bob cause=quota_minute "
                    + "until=2026-11-24T08:00:00.000Z",
                "notice the account goes on account=ann cause=refused",
            ])
    }

    @Test func whoGivesUpItsPlaceIsInItsQueueToAllWhoAsk() async throws {
        #expect(try await history((1...9).map { aside(.turn, moves: $0) }) == [])
    }
}
