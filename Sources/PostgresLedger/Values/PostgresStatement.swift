/// The text of a statement, made once as a constant. A connection prepares it at its first use, under its name, and
/// from then on sends the name.
///
/// The name belongs to the session: a pooler in transaction mode must carry prepared statements along, which pgbouncer
/// does from 1.21 on (`max_prepared_statements`), and before that not at all.
/// https://www.pgbouncer.org/config.html#max_prepared_statements
struct PostgresStatement: Hashable, Sendable {
    let name: String
    let text: String
    let parameters: [PostgresType]

    /// As many as the C module has places for.
    static let mostParameters = 64

    /// `text` is one statement, and none that begins or ends a transaction: a batch is one.
    init(_ name: String, _ text: String, _ parameters: [PostgresType] = []) {
        precondition(parameters.count <= Self.mostParameters, "a statement takes arrays where it wants more")
        precondition(!name.isEmpty && name.utf8.count < 64, "an unnamed statement is prepared each time")
        self.name = name
        self.text = text
        self.parameters = parameters
    }
}
