import Clocks
import JSON
import Ledger
import Operations
import Testing

@testable import CLI
@testable import Monitoring

/// `leave-albumd status` on a terminal.
@Suite struct StatusTextTests {
    private static let now = Timestamp(milliseconds: 1_795_521_600_000)

    private func status() -> DaemonStatus {
        DaemonStatus(
            version: "1.2.3", pid: 7, startedAt: Self.now - .seconds(60), at: Self.now, state: "consuming",
            since: Self.now, inFlight: 3, callsInFlight: 1)
    }

    private func lines(_ status: DaemonStatus) -> [String] {
        StatusCommand.text(status.json).split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
    }

    @Test func aQuietDaemonSaysSo() {
        let lines = lines(status())
        #expect(lines.contains("in hand 3 jobs, 1 calls in flight"))
        #expect(lines.contains("dead letters none since the start"))
        #expect(!lines.contains { $0.hasPrefix("last failure") || $0.hasPrefix("settings") })
    }

    @Test func whatWentWrongIsThere() {
        var status = status()
        status.oldestJobAge = .milliseconds(4230)
        status.deadLetters = [.init(reason: "expired", count: 2), .init(reason: "poison", count: 1)]
        status.failures = [
            .init(
                at: Self.now, jobID: "job-1", account: "anna", outcome: "failed", reason: "expired",
                detail: "its time\u{1b}[2Jran out", attempts: 1)
        ]
        status.settings = .init(loadedAt: Self.now, reloadSucceeded: false)
        let lines = lines(status)
        #expect(lines.contains("in hand 3 jobs, 1 calls in flight, the oldest 4.2 s"))
        #expect(lines.contains("dead letters expired 2, poison 1"))
        let failure = lines.first { $0.hasPrefix("last failure") } ?? ""
        #expect(failure.contains("\(Self.now.rfc3339) job-1: expired (its time"))
        #expect(!failure.contains("\u{1b}"), "a terminal is told nothing")
        #expect(lines.contains("settings the last reload failed; in use are those of \(Self.now.rfc3339)"))
    }

    @Test func eachMemberThatSharesTheLedgerHasALine() {
        var status = status()
        status.ledger = .init(
            kind: "postgresql", place: "db:5432, leave_album", member: .init(name: "a", epoch: 7),
            differingSettings: ["limits.pace of b#6"], entries: 9, open: 1, ambiguous: 0, unpublished: 0, overdue: 0,
            bytes: 4096, diskFreeBytes: nil, lastBackupAt: nil)
        status.members = [
            .init(
                name: "a", epoch: 7, version: "1.2.3", state: .working, startedAt: Self.now, seenAt: Self.now,
                settings: "0a1b2c3d",
                report: .init(
                    worker: "consuming", inFlight: 3, callsInFlight: 2, perMinute: 9, holds: ["quota_day"])),
            .init(name: "b", epoch: 6, version: "1.2.2", state: .dead, startedAt: Self.now, seenAt: Self.now),
        ]
        let lines = lines(status)
        let at = Self.now.rfc3339
        #expect(
            lines.contains(
                "member a#7 working, 1.2.3, settings 0a1b2c3d, seen \(at): consuming, 3 in hand, 2 calls in flight, "
                    + "9.0 a minute, on hold: quota_day"))
        #expect(lines.contains("member b#6 dead, 1.2.2, settings , seen \(at)"))
        let ledger = lines.first { $0.hasPrefix("ledger ") } ?? ""
        #expect(ledger.hasSuffix("of db:5432, leave_album"), "nobody knows what is free there")
        #expect(lines.contains("settings differ limits.pace of b#6"))
        #expect(status.json["ledger"]?["epoch"] == .integer(7) && status.json["ledger"]?["instance"] == .text("a"))
    }

    @Test func whatALargeLedgerHoldsIsSaidToBeAbout() {
        var status = status()
        status.ledger = .init(
            kind: "postgresql", place: "db:5432, leave_album", entries: 9_000_000, open: 12, ambiguous: 3,
            unpublished: 4, overdue: 0, bytes: 1 << 30, diskFreeBytes: nil, lastBackupAt: nil, isEstimated: true)
        let ledger = lines(status).first { $0.hasPrefix("ledger ") } ?? ""
        #expect(
            ledger.hasPrefix("ledger about 9000000 jobs, about 12 open, about 3 ambiguous, 4 results owed"), "\(ledger)"
        )
    }

    @Test func whoIsPausedAloneIsSaid() {
        var status = status()
        status.members = [
            .init(
                name: "b", epoch: 6, version: "1.2.2", state: .working, startedAt: Self.now, seenAt: Self.now,
                isPaused: true)
        ]
        #expect(lines(status).contains { $0.hasPrefix("member b#6 working, paused, 1.2.2") })
        #expect(status.json["members"]?.elements?.first?["paused"] == .bool(true))
    }

    /// An older daemon, asked by a newer command.
    @Test func whatIsNotKnownIsNotMadeUp() throws {
        let text = StatusCommand.text(try JSONValue.parse(Array(#"{"state":"consuming","since":"x"}"#.utf8)))
        #expect(text.contains("consuming since x") && !text.contains("dead letters"))
    }
}
