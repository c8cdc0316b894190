import Clocks
import Concurrency
import Ledger
import PipelineHarness
import Testing

@testable import Monitoring

/// What only a ledger that daemons share has to show.
extension MetricsRecorderTests {
    @Test func whoSharesTheLedgerIsCounted() {
        connect()
        recorder.polled(Self.members)
        let first = samples()
        #expect(first[#"leave_album_ledger_kind{kind="postgresql"}"#] == "1")
        #expect(first[#"leave_album_ledger_kind{kind="sqlite"}"#] == "0")
        #expect(first[#"leave_album_instances{state="dead"}"#] == "2")
        #expect(first[#"leave_album_instances{state="draining"}"#] == "0")
        #expect(first[#"leave_album_instance_info{name="a",epoch="7"}"#] == "1")
        #expect(first["leave_album_takeovers_total"] == "2" && first["leave_album_fenced_records_total"] == "1")
        #expect(first["leave_album_ledger_unknown_commits_total"] == "3")
        #expect(first["leave_album_late_evidence_total"] == "4" && first["leave_album_leases_held"] == "5")
        #expect(first[#"leave_album_ledger_retries_total{code="40001"}"#] == "6")
        #expect(first[#"leave_album_ledger_retries_total{code="57014"}"#] == "0", "seen before it grows")
        #expect(first["leave_album_clock_offset_seconds"] == "-1.5")
        #expect(first["leave_album_ledger_lost_commits_total"] == "8")
        #expect(first["leave_album_settings_differ"] == "1" && first["leave_album_spooled_records"] == nil)
        recorder.spooled(3)
        #expect(samples()["leave_album_spooled_records"] == "3")
        // It was taken for dead, and joined anew.
        shared.withLock { $0.member?.epoch = 8 }
        let second = samples()
        #expect(second[#"leave_album_instance_info{name="a",epoch="7"}"#] == nil)
        #expect(second[#"leave_album_instance_info{name="a",epoch="8"}"#] == "1")
    }

    @Test func aLedgerOfOneDaemonHasNoneOfThat() {
        shared.withLock { $0 = .init(kind: .sqlite) }
        connect()
        let samples = samples()
        #expect(samples[#"leave_album_ledger_kind{kind="sqlite"}"#] == "1")
        #expect(samples[#"leave_album_instances{state="working"}"#] == nil)
        #expect(samples["leave_album_clock_offset_seconds"] == nil)
        #expect(samples["leave_album_takeovers_total"] == "0")
        #expect(samples["leave_album_leases_held"] == nil && samples["leave_album_ledger_timeline"] == nil)
    }

    @Test func howTheDatabaseIsIsShownAsFarAsTheRoleMaySeeIt() {
        recorder.polled(Self.database)
        let all = samples()
        #expect(all["leave_album_ledger_xmin_age_seconds"] == "90.5")
        #expect(all["leave_album_ledger_timeline"] == "3")
        #expect(all[#"leave_album_ledger_replication{mode="asynchronous"}"#] == "1")
        for mode in ["none", "synchronous", "waiting"] {
            #expect(all["leave_album_ledger_replication{mode=\"\(mode)\"}"] == "0")
        }
        recorder.polled(DatabaseCondition(xminAge: nil, replication: nil, timeline: 4))
        let some = samples()
        #expect(some["leave_album_ledger_timeline"] == "4")
        #expect(!some.keys.contains { $0.hasPrefix("leave_album_ledger_replication") })
        #expect(some["leave_album_ledger_xmin_age_seconds"] == nil)
        clock.advance(to: clock.now() + MetricsRecorder.stale + .seconds(1))
        #expect(samples()["leave_album_ledger_timeline"] == nil, "it was so a minute ago")
    }
}
