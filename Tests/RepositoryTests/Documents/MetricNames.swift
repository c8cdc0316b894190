import Foundation

/// The metrics that dashboards and alerts are promised: those of docs/metrics.md, which is their one list.
enum MetricNames {
    static let document = "docs/metrics.md"
    static let catalogue = "Sources/Monitoring/MetricsCatalogue.swift"

    /// Those of the table, which has them without their prefix, with their labels in braces.
    static func promised() throws -> Set<String> {
        let rows = try Tree.text(document).components(separatedBy: "\n| metric | meaning |\n").last ?? ""
        return Set(
            rows.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { row in
                row.dropFirst().prefix { $0 != "|" }.matches(of: /`([a-z_]+)(?:\{[^`]*\})?`/)
                    .map { String($0.output.1) }
            })
    }

    /// Those that the daemon declares; true for a histogram.
    static func declared() throws -> [String: Bool] {
        let declarations = try Tree.text(catalogue).matches(of: /@Metric\(\s*"([a-z_]+)"[^@]*var \w+: (\S+)/)
        return Dictionary(
            declarations.map { (String($0.output.1), $0.output.2.contains("Histogram")) },
            uniquingKeysWith: { first, _ in first })
    }

    /// What the daemon shows under these names.
    static func exposed() throws -> Set<String> {
        let declared = try declared()
        return Set(
            try promised().flatMap { name in
                (declared[name] == true ? ["_bucket", "_sum", "_count"] : [""]).map { "leave_album_\(name)\($0)" }
            })
    }

    /// Every word of the text that begins as a metric of the daemon does, or as a rule that records one.
    static func used(in text: String) -> Set<String> {
        let word = /leave_album[a-z0-9_:]*/
        return Set(text.matches(of: word).map { String($0.output) })
    }
}
