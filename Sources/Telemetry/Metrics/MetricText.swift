/// Writes Prometheus' text format 0.0.4.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricText {
    private(set) var bytes: [UInt8] = []

    mutating func begin(_ name: String, help: String, type: String) {
        add("# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(type)\n")
    }

    mutating func sample(_ name: String, _ labels: [String], _ values: [String], _ number: Double) {
        add(name)
        if !labels.isEmpty {
            let pairs = zip(labels, values).map { "\($0)=\"\(Self.escaped($1, quotes: true))\"" }
            add("{\(pairs.joined(separator: ","))}")
        }
        add(" \(Self.number(number))\n")
    }

    mutating func histogram(
        _ name: String, _ labels: [String], _ values: [String], _ bounds: [Double], _ reading: MetricHistogram.Reading
    ) {
        var total = 0
        for (bound, count) in zip(bounds + [.infinity], reading.counts) {
            total += count
            sample("\(name)_bucket", labels + ["le"], values + [Self.number(bound)], Double(total))
        }
        sample("\(name)_sum", labels, values, reading.sum)
        sample("\(name)_count", labels, values, Double(total))
    }

    private mutating func add(_ text: String) { bytes += text.utf8 }

    /// Whole numbers without a point, for people; else as few digits as name the number.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        // Beyond 2^53 not every whole number is one of these.
        return value == value.rounded() && abs(value) < 9_007_199_254_740_992 ? "\(Int64(value))" : "\(value)"
    }

    static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        // By scalars: a line end of two is one character to Swift.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    static func isName(_ text: String) -> Bool {
        isLabel(String(text.map { $0 == ":" ? "_" : $0 }))
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, and not beginning with the two underscores that are Prometheus' own.
    static func isLabel(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(48...57).contains(first), !text.hasPrefix("__") else { return false }
        return text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
        }
    }
}
