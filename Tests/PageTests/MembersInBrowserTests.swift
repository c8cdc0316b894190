import Clocks
import Ledger
import Operations
import Testing

/// The daemons that share a ledger, as a browser shows them.
@Suite(.serialized, .timeLimit(.minutes(30))) struct MembersInBrowserTests {
    private func look(_ status: DaemonStatus) async throws -> Browser.Look {
        try await PageServer { [status] _ in .status(status) }.serve { try await Browser.look(at: $0, seconds: 2) }
    }

    @Test func whoSharesTheLedgerIsThere() async throws {
        let start = Sample.now()
        var status = Sample.consuming(at: start)
        status.ledger?.member = .init(name: "host-a", epoch: 7)
        let report = DaemonStatus.MemberReport(
            worker: "consuming", inFlight: 32, callsInFlight: 12, perMinute: 9, holds: ["quota_day"])
        status.members =
            (20...40).map { Sample.member("gone-\($0)", $0, at: start, .gone) } + [
                Sample.member("host-b", 6, at: start, isPaused: true),
                Sample.member("host-a", 7, at: start, report: report),
                Sample.member("host-c", 8, at: start, .dead, report: report),
            ]
        status.ledger?.kind = "postgresql"
        status.ledger?.isEstimated = true
        let look = try await look(status)
        #expect(look.console == [])
        let text = look.page.text("members")
        #expect(text.contains("Daemons on this ledger: 2 members at work"), "\(text)")
        let clock = #/\d\d:\d\d:\d\d|\d+ \w+, \d\d:\d\d/#
        let plain = text.replacing(clock, with: "T")
        // Whoever is asked stands first; who has ended, last.
        #expect(
            plain.contains(
                "Settings host-a (this one) working consuming T 2 s ago 32 12 9 quota_day 1.2.7 0a1b2c3d host-b working, "
                    + "paused – T 2 s ago – – – – 1.2.6 0a1b2c3d host-c dead – T T 32 12 9 quota_day 1.2.8 0a1b2c3d gone-40 "
            ),
            "\(plain)")
        #expect(plain.contains("gone-32") && !plain.contains("gone-31 "), "\(plain)")
        #expect(plain.hasSuffix("and 12 more that have ended: leave-albumd ledger members"), "\(plain)")
        #expect(look.page.source("members").contains("aria-current=\"true\""))
        #expect(look.page.text("ends").contains("In the ledger about 481"), "\(look.page.text("ends"))")
        #expect(!look.page.text("ends").contains("Last backup"), "it is the database's own")
        #expect(!look.page.text("ends").contains("alone"))
        let alone = try await self.look(Sample.consuming(at: start)).page
        #expect(alone.text("members") == "")
    }
}
