/// Names and what is known under them, one line each, aligned.
package struct FactSheet: Sendable {
    private var lines: [(name: String, value: String)] = []

    package init() {}

    /// Nothing is added for nil. Control characters are replaced.
    package mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        lines.append((name, DisplayText.printable(value)))
    }

    package mutating func add(_ name: String, _ value: (some BinaryInteger)?) {
        add(name, value.map { "\($0)" })
    }

    package func rendered() -> String {
        let width = lines.map { DisplayText.width($0.name) }.max() ?? 0
        return lines.map { DisplayText.padded($0.name, to: width) + "  " + $0.value + "\n" }.joined()
    }
}
