/// A command line that fits its specification.
package struct ParsedArguments: Equatable, Sendable {
    /// The commands below the program's name: `["topology", "declare"]`. Empty if the program has none.
    package let command: [String]
    /// In the order they were given, the specified ones being all there.
    package let positionals: [String]
    private let values: [String: [String]]
    private let known: Set<String>
    private let errorContext: UsageErrorContext

    init(
        command: [String], positionals: [String], values: [String: [String]], known: Set<String>,
        errorContext: UsageErrorContext
    ) {
        self.command = command
        self.positionals = positionals
        self.values = values
        self.known = known
        self.errorContext = errorContext
    }

    /// All values of an option, in order.
    package func values(_ name: String) -> [String] {
        precondition(known.contains(name), "the command's specification does not have \(name)")
        return values[name] ?? []
    }

    /// The value of an option that is given at most once.
    package func value(_ name: String) -> String? { values(name).last }

    package func isSet(_ flag: String) -> Bool { !values(flag).isEmpty }

    /// The value of an option that takes a whole number.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw error("\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not \(text)")
        }
        return number
    }

    /// For what the command itself finds wrong with its line: options that exclude each other, a value's form.
    package func error(_ problem: String) -> UsageError { errorContext.error(problem) }
}
