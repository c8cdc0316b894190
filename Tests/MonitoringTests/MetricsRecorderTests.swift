import Clocks
import Concurrency
import Credentials
import Ledger
import PipelineHarness
import PrivateBroker
import SQLiteLedger
import Telemetry
import Testing

@testable import AMQP
@testable import Jobs
@testable import Monitoring
@testable import Photos
@testable import Pipeline

@Suite(.timeLimit(.minutes(30))) struct MetricsRecorderTests {
    private static let noon = Timestamp(milliseconds: 1_795_521_600_000)
    let clock = ManualClock(start: Self.noon, activity: Activity())
    private let word = Lock("consuming")
    let shared = Lock(
        MetricsSources.Ledger(
            kind: .postgresql, member: .init(name: "a", epoch: 7),
            shared: .init(
                takeovers: 2, fencedRecords: 1, lateEvidence: 4, leasesHeld: 5, unknownCommits: 3,
                retries: ["40001": 6, "57014": 0], clockOffset: .milliseconds(-1500),
                differing: [
                    DifferingSetting(name: "b", epoch: 8, key: "limits.pace"),
                    DifferingSetting(name: "c", epoch: 9, key: "limits.pace"),
                ], lostCommits: 8)))
    let recorder: MetricsRecorder

    init() {
        recorder = MetricsRecorder(
            version: "1.2.3", delays: [.seconds(5), .seconds(120)], clock: clock,
            state: { [word] in word.withLock { $0 } })
    }

    func samples() -> [String: String] {
        Scrape(String(decoding: recorder.text(), as: UTF8.self)).samples
    }

    private static let statistics = LedgerStatistics(
        entries: 100, open: 7, ambiguous: 2, unpublished: 1, overdue: 3, bytes: 65_536, diskFreeBytes: 1 << 33)

    static let members = [(7, ClusterMember.State.working), (6, .dead), (5, .dead)].map { epoch, state in
        ClusterMember(
            epoch: epoch, name: "a", version: "1", state: state, started: noon, seen: noon, report: "{}")
    }

    static let database = DatabaseCondition(
        xminAge: .milliseconds(90_500), replication: .asynchronous, timeline: 3)

    static func snapshot(holds: [Hold] = [], oldest: Duration? = nil) -> JobPipeline.Snapshot {
        JobPipeline.Snapshot(
            holds: holds, inFlight: 12, callsInFlight: 4, consumption: .everything, oldestInFlight: oldest,
            heldAccounts: ["quota_minute": 5, "refused": 0])
    }

    func connect(_ snapshot: JobPipeline.Snapshot = Self.snapshot()) {
        recorder.connect(
            MetricsSources(
                pipeline: { snapshot },
                consuming: {
                    var reading = LinkReading()
                    reading.isConnected = true
                    reading.reconnects = 3
                    reading.staleSettlements = 4
                    reading.abandonedDeliveries = 1
                    return reading
                },
                publishing: {
                    var reading = LinkReading()
                    reading.unconfirmed = 9
                    (reading.offersSent, reading.offersDropped) = (6, 2)
                    reading.isBlocked = true
                    return reading
                }, ledger: { [shared] in shared.withLock { $0 } }))
    }

    private func call(_ verdict: String, status: Int?) -> PipelineEvent {
        .called(
            .init(
                request: .leave, jobID: JobID("j1"), account: AccountID(utf8: Array("a".utf8)),
                generation: 0,
                row: 1, verdict: verdict, httpStatus: status, duration: .milliseconds(80), detail: ""))
    }

    private func end(_ outcome: Outcome, _ reason: Reason?, after time: Duration = .seconds(1)) {
        recorder.take(.ended(.init(outcome: outcome, reason: reason, attempts: 1, timeToResult: time)))
        recorder.take(.settled(after: .milliseconds(100)))
    }

    // MARK: All of them

    @Test func promtoolHasNothingToSayOfAnyOfThem() async throws {
        let hold = Hold.example(.quotaDay, since: Self.noon, nextProbeAt: Self.noon + .seconds(60))
        connect(Self.snapshot(holds: [hold], oldest: .seconds(3)))
        end(.left, nil)
        recorder.take(call("left", status: 200))
        recorder.take(call("network", status: nil))
        recorder.committed(3, .milliseconds(2))
        recorder.answered(after: .milliseconds(1))
        recorder.polled(Self.statistics)
        recorder.polled(Self.members)
        recorder.polled(Self.database)
        recorder.spooled(0)
        recorder.polled(quotaRemaining: .infinity)
        recorder.polled([
            "x.jobs": QueueDepth(messages: 1, consumers: 1), "a\"\\\nb": QueueDepth(messages: 0, consumers: 0),
        ])
        let text = String(decoding: recorder.text(), as: UTF8.self)
        let scrape = Scrape(text)
        let names = recorder.registry.names
        #expect(names.count > 40)
        for name in names {
            #expect(scrape.samples.keys.contains { $0.hasPrefix(name) }, "\(name) has a value")
        }
        let (ending, message) = try await Promtool.check(text)
        #expect(ending == .exited(0) && message.isEmpty, "\(message)")
    }

    @Test func promtoolSeesWhatIsWrong() async throws {
        let (ending, message) = try await Promtool.check("# TYPE things counter\nthings 1\n")
        #expect(ending != .exited(0) && message.contains("_total"))
    }

    // MARK: What is counted

    @Test func jobsAreCountedByTheirEnd() {
        end(.left, nil)
        end(.left, nil, after: .seconds(100))
        end(.failed, .poison)
        end(.rejected, .malformedJob)
        let samples = samples()
        #expect(samples[#"leave_album_jobs_total{outcome="left",reason=""}"#] == "2")
        #expect(samples[#"leave_album_jobs_total{outcome="failed",reason="poison"}"#] == "1")
        #expect(samples[#"leave_album_jobs_total{outcome="rejected",reason="malformed_job"}"#] == "1")
        #expect(samples[#"leave_album_jobs_total{outcome="failed",reason="expired"}"#] == "0", "seen before it grows")
        #expect(samples["leave_album_time_to_result_seconds_count"] == "3", "what was rejected never was a job")
        #expect(samples["leave_album_time_to_result_seconds_sum"] == "102")
        #expect(samples[#"leave_album_time_to_result_seconds_bucket{le="60"}"#] == "2")
        #expect(samples["leave_album_job_duration_seconds_count"] == "4")
    }

    @Test func theLastSuccessIsRememberedAndNoFailureIs() {
        #expect(samples()["leave_album_last_success_timestamp_seconds"] == "0")
        end(.failed, .poison)
        #expect(samples()["leave_album_last_success_timestamp_seconds"] == "0")
        end(.alreadyLeft, nil)
        #expect(samples()["leave_album_last_success_timestamp_seconds"] == "1795521600")
    }

    @Test func callsAreCountedByAnswerAndByMeaning() {
        recorder.take(call("left", status: 200))
        recorder.take(call("retry", status: 503))
        recorder.take(call("retry", status: 503))
        recorder.take(call("retry", status: nil))
        let samples = samples()
        #expect(samples[#"leave_album_api_requests_total{code="503"}"#] == "2")
        #expect(samples[#"leave_album_api_requests_total{code="none"}"#] == "1")
        #expect(samples[#"leave_album_attempts_total{verdict="retry"}"#] == "3")
        #expect(samples["leave_album_api_request_duration_seconds_count"] == "4")
        #expect(samples[#"leave_album_api_request_duration_seconds_bucket{le="0.1"}"#] == "4")
    }

    /// It says nothing of the API that nothing was sent.
    @Test func aCallThatWasTooLateToBeSentIsNoRequest() {
        recorder.take(call("withdraw", status: nil))
        let samples = samples()
        #expect(samples["leave_album_gate_closed_total"] == "1")
        #expect(samples["leave_album_api_request_duration_seconds_count"] == "0")
        #expect(samples[#"leave_album_api_requests_total{code="none"}"#] == nil)
        #expect(samples[#"leave_album_attempts_total{verdict="withdraw"}"#] == nil)
    }

    @Test func whatJobsCauseIsCounted() {
        recorder.take(.parked(.init(generation: 0, delay: .seconds(5), wait: .seconds(5), cause: "")))
        recorder.take(.parked(.init(generation: 0, delay: nil, wait: .seconds(1), cause: "")))
        recorder.take(
            .steppedAside(.init(generation: 0, delay: .seconds(5), wait: .seconds(7), cause: .turn, moves: 2)))
        recorder.take(.deadLetterPublished(.poison))
        recorder.take(.replayed(JobID("j1")))
        recorder.take(.replyCopy(delivered: true))
        recorder.take(.replyCopy(delivered: false))
        recorder.take(.replyCopy(delivered: false))
        let samples = samples()
        #expect(samples[#"leave_album_retries_total{delay="5s"}"#] == "1")
        #expect(samples[#"leave_album_retries_total{delay="120s"}"#] == "0")
        #expect(samples[#"leave_album_retries_total{delay="due"}"#] == "1")
        #expect(samples[#"leave_album_steps_aside_total{cause="turn"}"#] == "1")
        #expect(samples[#"leave_album_steps_aside_total{cause="early"}"#] == "0")
        #expect(samples[#"leave_album_dead_letters_total{reason="poison"}"#] == "1")
        #expect(samples["leave_album_replays_total"] == "1")
        #expect(samples[#"leave_album_reply_copies_total{result="delivered"}"#] == "1")
        #expect(samples[#"leave_album_reply_copies_total{result="lost"}"#] == "2")
    }

    @Test func commitsAndRefreshesAreCounted() {
        recorder.committed(1, .microseconds(700))
        recorder.committed(40, .milliseconds(30))
        recorder.answered(after: .milliseconds(3))
        recorder.refreshed(.grantRevoked("gone"))
        recorder.refreshed(.notFound)
        recorder.lostGrant()
        recorder.refreshed(.unavailable("away", retryAfter: nil))
        let samples = samples()
        #expect(samples["leave_album_ledger_batch_size_sum"] == "41")
        #expect(samples[#"leave_album_ledger_batch_size_bucket{le="32"}"#] == "1")
        #expect(samples[#"leave_album_ledger_commit_duration_seconds_bucket{le="0.001"}"#] == "1")
        #expect(samples["leave_album_ledger_roundtrip_seconds_sum"] == "0.003")
        #expect(samples[#"leave_album_token_refreshes_total{result="revoked"}"#] == "1")
        #expect(samples[#"leave_album_token_refreshes_total{result="not_found"}"#] == "1")
        #expect(samples[#"leave_album_token_refreshes_total{result="token"}"#] == "0")
        #expect(samples["leave_album_lost_grants_total"] == "1")
        let message = samples.keys.filter { $0.hasPrefix("leave_album_token_refreshes_total") }
        #expect(message.count == TokenAnswer.labels.count, "no answer has a word that is not listed")
    }

    // MARK: What is read

    @Test(arguments: [
        ("consuming", "1", "1"), ("hold:quota_day", "1", "0"), ("draining", "1", "0"), ("standby", "0", "0"),
        ("connecting", "0", "0"),
    ])
    func theStateIsThatOfReadyz(state: String, active: String, consuming: String) {
        word.withLock { $0 = state }
        let samples = samples()
        #expect(samples["leave_album_active"] == active)
        #expect(samples["leave_album_consuming"] == consuming)
    }

    @Test func spansAreCountedByWhatBecameOfThem() {
        recorder.exportedSpans(5)
        recorder.droppedSpans(2)
        recorder.exportedSpans(1)
        let samples = samples()
        #expect(samples["leave_album_trace_spans_exported_total"] == "6")
        #expect(samples["leave_album_trace_spans_dropped_total"] == "2")
    }

    @Test func whatIsInFlightAndTheLinksAreReadAtEachScrape() {
        #expect(samples()["leave_album_in_flight"] == nil, "not known before there is a pipeline")
        connect(Self.snapshot(oldest: .milliseconds(1_500)))
        let samples = samples()
        #expect(samples["leave_album_in_flight"] == "12")
        #expect(samples["leave_album_oldest_job_age_seconds"] == "1.5")
        #expect(samples["leave_album_held_accounts"] == "5")
        #expect(samples[#"leave_album_account_holds{cause="quota_minute"}"#] == "5")
        #expect(samples[#"leave_album_account_holds{cause="refused"}"#] == "0")
        #expect(samples[#"leave_album_broker_connected{link="consume"}"#] == "1")
        #expect(samples[#"leave_album_broker_connected{link="publish"}"#] == "0")
        #expect(samples[#"leave_album_broker_reconnects_total{link="consume"}"#] == "3")
        #expect(samples["leave_album_broker_blocked"] == "1")
        #expect(samples["leave_album_publish_unconfirmed"] == "9")
        #expect(samples["leave_album_stale_settlements_total"] == "4")
        #expect(samples["leave_album_abandoned_deliveries_total"] == "1")
        #expect(samples[#"leave_album_progress_messages_total{result="sent"}"#] == "6")
        #expect(samples[#"leave_album_progress_messages_total{result="dropped"}"#] == "2")
        connect()
        #expect(self.samples()["leave_album_oldest_job_age_seconds"] == "0", "nothing in hand is not old")
    }

    @Test func everyCauseOfAHoldIsThereAndOneStands() {
        let hold = Hold.example(.quotaDay, since: Self.noon, nextProbeAt: Self.noon + .seconds(60))
        connect(Self.snapshot(holds: [hold, .example(.brokerBlocked, since: Self.noon, nextProbeAt: nil)]))
        var samples = samples()
        let causes = samples.filter { $0.key.hasPrefix("leave_album_hold{") }
        #expect(causes.count == HoldCause.allCases.count)
        #expect(
            Set(causes.filter { $0.value == "1" }.keys) == [
                #"leave_album_hold{cause="quota_day"}"#, #"leave_album_hold{cause="broker_blocked"}"#,
            ])
        #expect(samples[#"leave_album_hold_since_timestamp_seconds{cause="quota_day"}"#] == "1795521600")
        #expect(samples[#"leave_album_hold_next_probe_timestamp_seconds{cause="quota_day"}"#] == "1795521660")
        #expect(samples[#"leave_album_hold_next_probe_timestamp_seconds{cause="broker_blocked"}"#] == nil)
        connect()
        samples = self.samples()
        #expect(samples[#"leave_album_hold{cause="quota_day"}"#] == "0")
        #expect(samples[#"leave_album_hold_since_timestamp_seconds{cause="quota_day"}"#] == nil, "it is over")
    }

    @Test func aReloadThatFailedIsSeenUntilOneSucceeds() {
        #expect(samples()["leave_album_config_reload_success"] == "1")
        recorder.reloaded(isGood: false)
        #expect(samples()["leave_album_config_reload_success"] == "0")
        recorder.reloaded(isGood: true)
        #expect(samples()["leave_album_config_reload_success"] == "1")
        #expect(samples()[#"leave_album_build_info{version="1.2.3"}"#] == "1")
    }

    // MARK: What is polled

    /// Its numbers mean the same, and are older.
    @Test func aLedgerThatIsSeldomCountedIsShownUntilTheNextCountIsLate() {
        recorder.polled(Self.statistics, before: .seconds(100))
        clock.advance(to: clock.now() + MetricsRecorder.stale)
        #expect(recorder.lastLedger?.isEstimated == false)
        clock.advance(to: clock.now() + .seconds(85))
        #expect(samples()["leave_album_ledger_entries"] == "100")
        #expect(recorder.lastLedger?.entries == 100 && recorder.lastLedger?.isEstimated == true, "about, for people")
        clock.advance(to: clock.now() + .seconds(1))
        #expect(samples()["leave_album_ledger_entries"] == nil)
        #expect(recorder.lastLedger == nil)
    }

    @Test func whatBrokerAndLedgerSaidIsShownUntilItIsOld() {
        recorder.polled(Self.statistics)
        recorder.polled(quotaRemaining: 8_123)
        recorder.polled(["x.jobs": QueueDepth(messages: 17, consumers: 1)])
        let fresh = samples()
        #expect(fresh["leave_album_ledger_entries"] == "100")
        #expect(fresh["leave_album_ambiguous_jobs"] == "2")
        #expect(fresh["leave_album_overdue_retries"] == "3")
        #expect(fresh["leave_album_ledger_backup_timestamp_seconds"] == "0", "never")
        #expect(fresh["leave_album_quota_remaining"] == "8123")
        #expect(fresh[#"leave_album_queue_messages{queue="x.jobs"}"#] == "17")
        clock.advance(to: clock.now() + MetricsRecorder.stale)
        #expect(samples()["leave_album_ledger_entries"] == "100")
        clock.advance(to: clock.now() + .seconds(1))
        let old = samples()
        #expect(old["leave_album_ledger_entries"] == nil)
        #expect(old["leave_album_quota_remaining"] == nil)
        #expect(old[#"leave_album_queue_messages{queue="x.jobs"}"#] == nil)
        #expect(old[#"leave_album_queue_consumers{queue="x.jobs"}"#] == nil)
    }

    @Test func aQueueThatIsGoneIsNotShown() {
        recorder.polled([
            "x.jobs": QueueDepth(messages: 1, consumers: 1), "x.bulk": QueueDepth(messages: 2, consumers: 1),
        ])
        _ = recorder.text()
        recorder.polled(["x.bulk": QueueDepth(messages: 2, consumers: 1)])
        let samples = samples()
        #expect(samples[#"leave_album_queue_messages{queue="x.jobs"}"#] == nil)
        #expect(samples[#"leave_album_queue_messages{queue="x.bulk"}"#] == "2")
    }
}
