import Foundation
import Testing

/// The pages of docs/incidents: one shape, names that exist, nothing that an alert sends its reader to and is missing.
/// That what they say is so is shown by `scripts/incidents`.
@Suite struct IncidentPageTests {
    private static let folder = Tree.root.appendingPathComponent("docs/incidents")
    private static let longestPage = 45
    private static let sections = [
        "How it shows", "What the daemon does by itself", "The one command that settles it",
    ]
    private static let lastSection = "When that is not enough"

    static var names: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder.path)
                .filter { $0.hasSuffix(".md") && $0 != "README.md" }.sorted()
        }
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8)
    }

    private func rules() throws -> String {
        let file = Tree.root.appendingPathComponent("config/prometheus/leave-albumd.rules.yml")
        return try String(contentsOf: file, encoding: .utf8)
    }

    @Test func thereAreThePagesOfTheIndexAndNoOthers() throws {
        let index = try text("README.md")
        let linked = Set(index.matches(of: /\]\(([a-z-]+\.md)\)/).map { String($0.output.1) })
        for name in try Set(Self.names).symmetricDifference(linked).sorted() {
            Issue.record(
                "\(name) is to be a file of docs/incidents and to be linked from a line of the table in its README.md"
            )
        }
        #expect(linked.count >= 16, "the search is broken if it finds few")
    }

    @Test func everyPageHasTheSameShape() throws {
        for name in try Self.names {
            let page = try text(name)
            let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first?.hasPrefix("# ") == true, "\(name)")
            #expect(lines.count <= Self.longestPage, "\(name)")
            let found = lines.filter { $0.hasPrefix("## ") }.map { String($0.dropFirst(3)) }
            #expect(
                found == Self.sections || found == Self.sections + [Self.lastSection],
                "\(name) is to have the sections \(Self.sections), and perhaps \(Self.lastSection)")
            #expect(
                page.contains("\n| alert | `LeaveAlbum"),
                "\(name) names no alert: an incident that wakes nobody is to be a line of a page that is there")
        }
    }

    @Test func everyPageHasOneCommand() throws {
        for name in try Self.names {
            let parts = try text(name).components(separatedBy: "\n## \(Self.sections[2])\n")
            try #require(parts.count == 2, "\(name)")
            let section = parts[1].components(separatedBy: "\n## ")[0]
            let commands = section.split(separator: "\n").filter { $0.hasPrefix("    ") }
            #expect(commands.count == 1, "\(name): \(commands)")
            #expect(parts[0].split(separator: "\n").allSatisfy { !$0.hasPrefix("    ") }, "\(name)")
        }
    }

    /// Whoever follows an alert finds its name on the page.
    @Test func everyAlertIsNamedOnItsPage() throws {
        var count = 0
        for alert in try rules().components(separatedBy: "- alert: ").dropFirst() {
            let name = String(alert.prefix { $0 != "\n" })
            let page = try #require(alert.firstMatch(of: /runbook: docs\/incidents\/([a-z-]+\.md)\n/)?.output.1)
            #expect(
                try text(String(page)).contains("`\(name)`"),
                "docs/incidents/\(page) does not name \(name): add `| alert | `\(name)` |` to how it shows")
            count += 1
        }
        #expect(count >= 30, "the search is broken if it finds few")
    }

    @Test func pagesNameAlertsAndMetricsThatThereAre() throws {
        let alerts = Set(try rules().matches(of: /- alert: ([A-Za-z]+)/).map { String($0.output.1) })
        for name in try Self.names {
            let page = try text(name)
            let named = Set(page.matches(of: /LeaveAlbum[A-Za-z]+/).map { String($0.output) })
            #expect(named.subtracting(alerts) == [], "\(name)")
            #expect(try MetricNames.used(in: page).subtracting(MetricNames.exposed()) == [], "\(name)")
        }
    }
}
