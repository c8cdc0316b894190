import Foundation
import Testing

/// The alert rules, as Prometheus' own program sees them.
@Suite struct AlertTests {
    private static let folder = Tree.root.appendingPathComponent("config/prometheus")
    private static let cases = ["leave-albumd.rules.test.yml", "leave-albumd.days.test.yml"]

    private let rules: String

    init() throws {
        rules = try Self.text("leave-albumd.rules.yml")
    }

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    /// An alert's lines, by its name.
    private var alerts: [String: String] {
        let parts = rules.components(separatedBy: "- alert: ").dropFirst()
        return Dictionary(
            parts.map { (String($0.prefix { $0 != "\n" }), $0) }, uniquingKeysWith: { first, _ in first })
    }

    @Test func rulesAreSound() throws {
        let checked = try Program.run([
            "promtool", "check", "rules", Self.folder.appendingPathComponent("leave-albumd.rules.yml").path,
        ])
        #expect(checked.status == 0, "\(checked.text)")
        #expect(alerts.count >= 30, "the search is broken if it finds few")
    }

    @Test(arguments: cases)
    func eachCaseEndsAsItSays(file: String) throws {
        let tested = try Program.run(["promtool", "test", "rules", Self.folder.appendingPathComponent(file).path])
        #expect(tested.status == 0, "\(tested.text)")
        #expect(tested.text.contains("SUCCESS"))
    }

    /// A rule that never fires fails its case: so each has one where it does.
    @Test func everyAlertHasACaseWhereItFires() throws {
        let cases = try Self.cases.map(Self.text).joined()
        let fired = Set(
            cases.matches(of: /labels: '\{alertname="([A-Za-z]+)"\}', value: [1-9]/).map { String($0.output.1) })
        for name in Set(alerts.keys).subtracting(fired).sorted() {
            Issue.record("\(name) fires in no case: add one to config/prometheus/leave-albumd.rules.test.yml")
        }
        #expect(fired.subtracting(alerts.keys) == [], "cases of alerts that there are not")
    }

    @Test func aRuleThatIsNoLongerTrueFailsItsCase() throws {
        try withFolder { folder in
            let dead = rules.replacing("leave_album_active unless", with: "vector(0) unless")
            #expect(dead != rules)
            try dead.write(
                to: folder.appendingPathComponent("leave-albumd.rules.yml"), atomically: true, encoding: .utf8)
            let cases = try Self.text("leave-albumd.rules.test.yml")
            let from = try #require(cases.range(of: "  - name: two work at once"))
            let end = try #require(cases.range(of: "\n  - name: connected but deaf"))
            // The alias that an earlier case defines, spelt out.
            let one = cases[from.lowerBound..<end.lowerBound]
                .replacing("*firing", with: "'count by (alertname) (ALERTS{alertstate=\"firing\"})'")
                .replacing("- *up", with: "- {series: 'up{job=\"leave-albumd\"}', values: '1x90'}")
            let file = folder.appendingPathComponent("one.yml")
            try "rule_files: [leave-albumd.rules.yml]\nevaluation_interval: 1m\ntests:\n\(one)\n"
                .write(to: file, atomically: true, encoding: .utf8)
            let tested = try Program.run(["promtool", "test", "rules", file.path])
            #expect(tested.status != 0)
            #expect(tested.text.contains("LeaveAlbumSplitBrain"), "\(tested.text)")
        }
    }

    @Test func everyAlertSaysHowUrgentItIsAndWhatToRead() throws {
        let pages = try IncidentPageTests.names
        for (name, lines) in alerts {
            #expect(lines.contains(/labels: {severity: (page|ticket)}/), "\(name)")
            #expect(lines.contains("summary: "), "\(name)")
            #expect(lines.contains("description: "), "\(name)")
            let page = lines.firstMatch(of: /runbook: docs\/incidents\/([a-z-]+\.md)\n/)?.output.1
            #expect(
                page.map { pages.contains(String($0)) } == true,
                "\(name) names \(page ?? "no page"): its `runbook` is to be a page that docs/incidents has")
        }
    }

    /// Each `for` says why it is as long as it is, above it or beside it.
    @Test func everyWaitHasItsReason() {
        let lines = rules.split(separator: "\n")
        for (before, line) in zip(lines, lines.dropFirst()) where line.hasPrefix("        for: ") {
            #expect(line.contains(" # ") || before.hasPrefix("        # "), "\(line) after \(before)")
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: Tree.root.appendingPathComponent("docs/incidents").path)))
    func everyPageThatAnAlertNamesExists() {
        let named = Set(rules.matches(of: /docs\/incidents\/[a-z-]+\.md/).map { String($0.output) })
        #expect(!named.isEmpty)
        for page in named {
            #expect(FileManager.default.fileExists(atPath: Tree.root.appendingPathComponent(page).path), "\(page)")
        }
    }

    @Test func rulesAndCasesNameMetricsThatThereAre() throws {
        let recorded = Set(rules.matches(of: /- record: (leave_album:[a-z0-9_:]+)/).map { String($0.output.1) })
        #expect(!recorded.isEmpty)
        for text in [rules] + (try Self.cases.map(Self.text)) {
            #expect(try MetricNames.used(in: text).subtracting(MetricNames.exposed()).subtracting(recorded) == [])
        }
    }
}
