import Foundation
import Testing

/// Each hold is on the page of whoever sees it, and in an alert where somebody has to act.
@Suite struct HoldDocumentTests {
    private static let rulesPath = "config/prometheus/leave-albumd.rules.yml"
    private static let casesPath = "config/prometheus/leave-albumd.rules.test.yml"
    /// Holds that end by themselves, each day or within seconds: what is wrong with them other alerts see.
    private static let withoutAlert: Set<String> = ["ledger_lost_commits", "quota_day"]

    private let holds: Set<String>

    init() throws {
        holds = try Tree.rawValues(of: "HoldCause")
    }

    /// The causes that an alert's expression names.
    private func watched() throws -> Set<String> {
        let named = try Tree.text(Self.rulesPath).matches(of: /leave_album_hold\{cause=~?"([a-z_|]+)"\}/)
        return Set(named.flatMap { $0.output.1.split(separator: "|").map(String.init) })
    }

    @Test func everyHoldHasItsPage() throws {
        #expect(holds.count >= 17, "the search is broken if it finds few")
        let index = try Tree.text("docs/incidents/README.md").split(separator: "\n").filter { $0.hasPrefix("| ") }
        for hold in holds.sorted() {
            let pages = index.filter { $0.contains("`\(hold)`") }
                .compactMap { $0.firstMatch(of: /\]\(([a-z-]+\.md)\)/).map { String($0.output.1) } }
            #expect(
                !pages.isEmpty,
                "no line of docs/incidents/README.md has hold \(hold): add `\(hold)` to the line of the page that fits")
            #expect(
                try pages.isEmpty || pages.contains { try Tree.text("docs/incidents/\($0)").contains(hold) },
                "docs/incidents/README.md sends hold \(hold) to \(pages), where it is not named: add what it says")
        }
    }

    @Test func everyHoldHasItsAlert() throws {
        let watched = try watched()
        let cases = try Tree.text(Self.casesPath)
        for hold in holds.subtracting(Self.withoutAlert).sorted() {
            #expect(
                watched.contains(hold),
                "no alert sees hold \(hold): add it to a `cause` of \(Self.rulesPath), or to `withoutAlert` here")
            #expect(
                cases.contains("cause=\"\(hold)\""),
                "no case has hold \(hold): add its series to one of \(Self.casesPath)")
        }
    }

    @Test func alertsNameHoldsThatThereAre() throws {
        let watched = try watched()
        #expect(watched.subtracting(holds) == [], "\(Self.rulesPath)")
        #expect(watched.isDisjoint(with: Self.withoutAlert), "named as a hold without an alert, and has one")
    }
}
