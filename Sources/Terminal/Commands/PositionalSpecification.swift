/// An argument without a name.
package struct PositionalSpecification: Sendable {
    package enum Arity: Sendable {
        case one
        /// None or one.
        case optional
        /// None or more. Only the last positional may be that.
        case any
        /// One or more. Only the last positional may be that.
        case several

        var isRequired: Bool {
            switch self {
            case .one, .several: true
            case .optional, .any: false
            }
        }

        var isRepeatable: Bool {
            switch self {
            case .any, .several: true
            case .one, .optional: false
            }
        }
    }

    /// What it is called in the help: `ID`.
    package let name: String
    package let arity: Arity
    package let help: String

    package init(_ name: String, _ arity: Arity = .one, help: String) {
        self.name = name
        self.arity = arity
        self.help = help
    }

    var usage: String {
        switch arity {
        case .one: name
        case .optional: "[\(name)]"
        case .any: "[\(name)...]"
        case .several: "\(name)..."
        }
    }
}
