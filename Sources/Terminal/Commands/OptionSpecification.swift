/// One `--name` of a command.
package struct OptionSpecification: Sendable {
    /// With its dashes: `--file`.
    package let name: String
    /// What its value is called in the help: `FILE`. Nil: a flag, which takes none.
    package let valueName: String?
    package let help: String
    /// It may be given several times.
    package let isRepeatable: Bool
    package let isRequired: Bool

    private init(_ name: String, valueName: String?, isRepeatable: Bool, isRequired: Bool, help: String) {
        precondition(name.hasPrefix("--") && name.count > 2, "an option's name is --word, not \(name)")
        self.name = name
        self.valueName = valueName
        self.help = help
        self.isRepeatable = isRepeatable
        self.isRequired = isRequired
    }

    /// An option without a value.
    package static func flag(_ name: String, help: String) -> Self {
        Self(name, valueName: nil, isRepeatable: false, isRequired: false, help: help)
    }

    /// An option with a value: `--file F` or `--file=F`.
    package static func value(
        _ name: String, _ valueName: String, isRepeatable: Bool = false, isRequired: Bool = false, help: String
    ) -> Self {
        Self(name, valueName: valueName, isRepeatable: isRepeatable, isRequired: isRequired, help: help)
    }

    /// `--file F`
    var usage: String { valueName.map { "\(name) \($0)" } ?? name }
}
