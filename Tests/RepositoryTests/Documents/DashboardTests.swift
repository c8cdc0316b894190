import Foundation
import Testing

/// The Grafana dashboard: what can be known of it without Grafana.
@Suite struct DashboardTests {
    private struct NotADashboard: Error {}

    private let dashboard: [String: Any]
    private let panels: [[String: Any]]

    init() throws {
        let file = Tree.root.appendingPathComponent("config/grafana/leave-albumd.json")
        let value = try JSONSerialization.jsonObject(with: try Data(contentsOf: file))
        guard let object = value as? [String: Any], let panels = object["panels"] as? [[String: Any]] else {
            throw NotADashboard()
        }
        dashboard = object
        self.panels = panels
    }

    private var expressions: [String] {
        panels.flatMap { ($0["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String } }
    }

    @Test func itHasItsRowsAndVariables() {
        let rows = panels.filter { $0["type"] as? String == "row" }.compactMap { $0["title"] as? String }
        #expect(
            rows == [
                "State and holds", "Throughput and latency", "Outcomes and dead letters", "Quota", "Queues", "Ledger",
                "Broker", "Credentials",
            ])
        let variables = (dashboard["templating"] as? [String: Any])?["list"] as? [[String: Any]] ?? []
        #expect(variables.compactMap { $0["name"] as? String } == ["datasource", "instance"])
        #expect((dashboard["schemaVersion"] as? Int ?? 0) >= 39)
    }

    @Test func panelsAreApartAndAskTheChosenSource() {
        let identities = panels.compactMap { $0["id"] as? Int }
        #expect(Set(identities).count == panels.count)
        var taken: Set<String> = []
        for panel in panels {
            let place = panel["gridPos"] as? [String: Int] ?? [:]
            for x in (place["x"] ?? 0)..<((place["x"] ?? 0) + (place["w"] ?? 0)) {
                for y in (place["y"] ?? 0)..<((place["y"] ?? 0) + (place["h"] ?? 0)) {
                    #expect(x < 24, "\(panel["title"] ?? "")")
                    #expect(taken.insert("\(x) \(y)").inserted, "\(panel["title"] ?? "") lies upon another")
                }
            }
            guard panel["type"] as? String != "row" else { continue }
            #expect((panel["datasource"] as? [String: String])?["uid"] == "${datasource}")
            #expect(!(panel["targets"] as? [[String: Any]] ?? []).isEmpty)
        }
    }

    /// promtool reads rules, so each expression becomes one, with Grafana's variables filled in.
    @Test func everyExpressionIsPromQL() throws {
        #expect(expressions.count > 40)
        let checked = try check(expressions)
        #expect(checked.status == 0, "\(checked.text)")
        let broken = try check(expressions + ["sum(leave_album_active"])
        #expect(broken.status != 0, "the check sees what is wrong")
    }

    private func check(_ expressions: [String]) throws -> Program {
        let rules = expressions.enumerated().map { number, expression in
            let filled = expression.replacing("$__rate_interval", with: "5m").replacing("$instance", with: ".*")
            return ["record": "panel:\(number):expression", "expr": filled]
        }
        let file: [String: Any] = ["groups": [["name": "dashboard", "rules": rules] as [String: Any]]]
        return try withFolder { folder in
            // JSON is YAML.
            let path = folder.appendingPathComponent("rules.yml")
            try JSONSerialization.data(withJSONObject: file, options: .withoutEscapingSlashes).write(to: path)
            return try Program.run(["promtool", "check", "rules", path.path])
        }
    }

    @Test func itShowsEveryMetricAndNoOther() throws {
        let used = MetricNames.used(in: expressions.joined(separator: "\n"))
        #expect(
            used.subtracting(try MetricNames.exposed()) == [],
            "config/grafana/leave-albumd.json shows what \(MetricNames.document) does not promise")
        let bases = Set(
            used.map { name in
                let suffix = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) } ?? ""
                return String(name.dropLast(suffix.count))
            })
        let promised = Set(try MetricNames.promised().map { "leave_album_" + $0 })
        #expect(
            promised.subtracting(bases) == [], "nobody looks at it: give it a panel in config/grafana/leave-albumd.json"
        )
    }

    @Test func theDaemonKeepsItsPromise() throws {
        let (declared, promised) = (Set(try MetricNames.declared().keys), try MetricNames.promised())
        #expect(promised.count > 40, "the search is broken if it finds few")
        #expect(
            declared.subtracting(promised) == [], "\(MetricNames.document) describes every metric: a row of its table")
        #expect(
            promised.subtracting(declared) == [], "\(MetricNames.document) promises what \(MetricNames.catalogue) lacks"
        )
    }

    @Test func everyPanelHeedsTheInstance() {
        for expression in expressions {
            #expect(
                expression.matches(of: /leave_album_/).count == expression.matches(of: /instance=~"\$instance"/).count,
                "\(expression)")
        }
    }
}
