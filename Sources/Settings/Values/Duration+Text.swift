import Clocks

extension Duration {
    /// Units of the settings in milliseconds, the largest first.
    private static let units: [(suffix: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]
    /// Nine digits of days are still below `Int64.max` milliseconds, and nobody needs more.
    private static let mostDigits = 9

    /// One whole number and one unit: `250ms`, `5s`, `2m`, `1h`, `30d`. Nil if it is anything else.
    package init?(settingText text: String) {
        let digits = text.utf8.prefix { (48...57).contains($0) }
        let suffix = String(text.utf8.dropFirst(digits.count)) ?? ""
        guard (1...Self.mostDigits).contains(digits.count), let number = Int64(String(digits) ?? ""),
            let unit = Self.units.first(where: { $0.suffix == suffix })
        else { return nil }
        self = .milliseconds(number * unit.milliseconds)
    }

    /// As the settings write it, in the largest unit that fits; what is below a millisecond is dropped.
    package var settingText: String {
        let count = milliseconds
        let unit = Self.units.first { count != 0 && count % $0.milliseconds == 0 } ?? ("s", 1_000)
        return "\(count / unit.milliseconds)\(unit.suffix)"
    }

    var isWholeSeconds: Bool { components.attoseconds == 0 }
}
