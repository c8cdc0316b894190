/// One version of the schema, made of the one before in one transaction. A step that was released is never changed.
///
/// An upgrade expands, then starts the daemons anew one by one, then contracts. So a program works with the schema of its
/// last expanding step and with each one after it, and so do those of the release before.
struct SchemaStep: Sendable {
    enum Kind: Equatable, Sendable {
        /// It only adds what older programs can do without. What they write leaves it empty, or as it was.
        case expands
        /// It takes away what only programs need that do not know version `oldest`.
        case contracts(oldest: Int)
    }

    /// Of a table that may be large. It is made before the step's transaction, beside those who write: only then may it read
    /// the table.
    struct Index: Equatable, Sendable {
        let name: String
        /// Behind "ON".
        let definition: String
    }

    let kind: Kind
    var indexes: [Index] = []
    let statements: [String]

    static func expands(_ statements: [String]) -> SchemaStep { SchemaStep(kind: .expands, statements: statements) }

    static func indexes(_ indexes: [Index]) -> SchemaStep {
        SchemaStep(kind: .expands, indexes: indexes, statements: [])
    }

    static func contracts(oldest: Int, _ statements: [String]) -> SchemaStep {
        SchemaStep(kind: .contracts(oldest: oldest), statements: statements)
    }
}

extension [SchemaStep] {
    /// The version that a program of these steps cannot work without.
    var needed: Int { (lastIndex { $0.kind == .expands } ?? -1) + 1 }

    /// The oldest version whose programs may work with a schema of that one: it rises with each step that contracts.
    func oldest(after version: Int) -> Int {
        prefix(version).reduce(1) { oldest, step in
            switch step.kind {
            case .expands: oldest
            case .contracts(let number): Swift.max(oldest, number)
            }
        }
    }
}
