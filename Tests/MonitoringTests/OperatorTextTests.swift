import Clocks
import Ledger
import Operations
import Testing

@testable import CLI

/// What operators read of a ledger and of the daemons that share it.
@Suite struct OperatorTextTests {
    private static let now = Timestamp(milliseconds: 1_795_521_600_000)

    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map {
            $0.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
    }

    private func statistics(_ kind: LedgerKind, isEstimated: Bool) -> [String] {
        lines(
            LedgerCommand.text(
                .init(
                    kind: kind, place: "place",
                    statistics: LedgerStatistics(
                        entries: 9, open: 8, ambiguous: 7, unpublished: 6, overdue: 5, bytes: 4, diskFreeBytes: nil,
                        isEstimated: isEstimated))))
    }

    @Test func aSampleIsSaidToBeAbout() {
        let sample = statistics(.postgresql, isEstimated: true)
        #expect(sample.contains("jobs about 9") && sample.contains("open about 8"), "\(sample)")
        #expect(sample.contains("ambiguous about 7") && sample.contains("results owed 6"), "\(sample)")
        #expect(statistics(.postgresql, isEstimated: false).contains("jobs 9"))
    }

    @Test func aDatabaseIsNamedAsOneAndItsBackupsAreItsOwn() {
        let database = statistics(.postgresql, isEstimated: false)
        #expect(database.contains("ledger PostgreSQL, place") && database.contains("backups the database's own"))
        #expect(!database.contains { $0.hasPrefix("last backup") })
        let file = statistics(.sqlite, isEstimated: false)
        #expect(file.contains("ledger place") && file.contains("last backup never"))
    }

    @Test func whoHasNotAcknowledgedIsNamed() {
        #expect(OperateCommand.text(.complete) == "all daemons that share the ledger have acknowledged it\n")
        #expect(OperateCommand.text(.complete, of: "b") == "b has acknowledged it\n")
        let lacking = OperateCommand.text(.lacking([.init(name: "b", epoch: 4)]), of: "b")
        #expect(lacking.hasPrefix("not acknowledged within 2 s by b (epoch 4)"))
        #expect(OperateCommand.text(.unwritten, of: "b").hasSuffix("b follows when it is\n"))
    }

    @Test func whatHoldsAnotherDaemonAloneHasItsLines() {
        let other = HoldsRequest.Member(name: "b", epoch: 4, holds: ["tls_trust", "member_paused"])
        let free = HoldsRequest.Member(name: "c", epoch: 5, holds: [])
        let table = lines(OperateCommand.text(.init(holds: [], accounts: [], members: [other, free])))
        #expect(table.contains("b#4 tls_trust - - as that daemon said"), "\(table)")
        #expect(table.contains("b#4 member_paused - when it is resumed paused alone"), "\(table)")
        #expect(table.count == 3)
        #expect(OperateCommand.text(.init(holds: [], accounts: [], members: [free])) == "nothing is on hold\n")
    }

    @Test func whoIsPausedShowsItInTheTableOfMembers() {
        let members = [true, false].map { isPaused in
            DaemonStatus.Member(
                name: "b", epoch: 4, version: "1", state: .working, startedAt: Self.now, seenAt: Self.now,
                schema: isPaused ? 4...4 : 4...5, isPaused: isPaused)
        }
        let table = lines(LedgerCommand.text(members))
        #expect(table[1].hasPrefix("b 4 working, paused ") && table[2].hasPrefix("b 4 working \(Self.now.rfc3339)"))
        #expect(table[1].hasSuffix(" 1 4") && table[2].hasSuffix(" 1 4 to 5"), "\(table)")
    }
}
