import Clocks
import Monitoring
import Operations
import Telemetry
import Testing

/// What `systemctl status` shows.
@Suite struct StatusLineTests {
    private static let time = Timestamp(milliseconds: 1_795_507_200_000)

    private func status(_ state: String) -> DaemonStatus {
        DaemonStatus(version: "1", pid: 1, startedAt: Self.time, at: Self.time, state: state, since: Self.time)
    }

    @Test func whoConsumesSaysHowFastAndWhatIsLeftOfTheDay() {
        var now = status("consuming")
        now.perMinute = 117.6
        now.inFlight = 32
        #expect(now.line(silences: []) == "consuming: 118 jobs/min, 32 in hand")
        now.quota = .init(day: "2026-11-24", spent: 1_377, limit: 9_500, resetsAt: Self.time)
        #expect(now.line(silences: []) == "consuming: 118 jobs/min, 32 in hand, 8123 of 9500 calls left today")
        now.quota?.limit = 0
        #expect(now.line(silences: []) == "consuming: 118 jobs/min, 32 in hand", "no limit, nothing left to tell")
    }

    @Test func aHoldHasItsCauseItsTimesAndWhatWasSaid() {
        var now = status("hold:quota_day")
        now.holds = [
            .init(cause: "quota_day", since: Self.time, nextProbeAt: Self.time + .seconds(60), detail: "it is spent"),
            .init(cause: "results_full", since: Self.time, nextProbeAt: nil, detail: "full"),
        ]
        #expect(
            now.line(silences: [])
                == "on hold: quota_day since 2026-11-24T08:00:00.000Z, next try 2026-11-24T08:01:00.000Z (and results_full); "
                + "it is spent")
        now.holds.removeFirst()
        #expect(now.line(silences: []).contains("since 2026-11-24T08:00:00.000Z, ends when its cause does; full"))
    }

    @Test func aHoldSaysThatJobsHadEndedForItAndHowTheyComeBack() {
        var now = status("hold:api_retired")
        now.holds = [
            .init(
                cause: "api_retired", since: Self.time, nextProbeAt: nil, detail: "gone",
                ended: ["offboard-2026-17", "-a:b/c.d_e"])
        ]
        #expect(
            now.line(silences: []).hasSuffix("; gone (2 ended for it before: see `leave-albumd holds`)"),
            "nineteen ids of 128 bytes are no line")
        #expect(now.holds[0].redrive == "leave-albumd dead redrive --job=offboard-2026-17 --job=-a:b/c.d_e")
        now.holds[0].ended = []
        #expect(now.line(silences: []).hasSuffix("; gone") && now.holds[0].redrive == nil)
    }

    @Test(arguments: [
        ("connecting", "connecting: no such host"), ("standby", "standing by: no such host"),
        ("draining", "draining: 0 in hand"),
    ])
    func whoWaitsSaysForWhat(state: String, line: String) {
        var now = status(state)
        now.problem = "no such host"
        #expect(now.line(silences: []) == line)
    }

    @Test func aStuckLoopComesBeforeEverythingElse() {
        let line = status("consuming").line(silences: [
            .init(loop: "ledger", lasting: .seconds(12)), .init(loop: "http", lasting: .milliseconds(8_900)),
        ])
        #expect(line == "not answering: ledger for 12 s, http for 8 s; consuming: 0 jobs/min, 0 in hand")
    }
}
