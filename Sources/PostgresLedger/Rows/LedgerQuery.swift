import Ledger

/// Statements that rest on no decision, and what is made of their rows. The statements of a query are one transaction
/// with whatever shares their batch, so it may be run again.
struct LedgerQuery: Sendable {
    var steps: [(statement: PostgresStatement, parameters: [PostgresParameter])]
    /// Called once it is committed; what it returns answers whoever asked.
    var decode: @Sendable (ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> @Sendable () -> Void
    var refuse: @Sendable (LedgerError) -> Void = { _ in }

    func add(to batch: inout PostgresBatch) {
        for (statement, parameters) in steps { batch.add(statement, parameters) }
    }

    /// That nobody waits for.
    static func unanswered(_ statement: PostgresStatement, _ parameters: [PostgresParameter]) -> LedgerQuery {
        LedgerQuery(steps: [(statement, parameters)], decode: { _ in {} })
    }
}

/// A question of one statement, with the type of its answer.
struct LedgerQuestion<Answer: Sendable>: Sendable {
    let statement: PostgresStatement
    let parameters: [PostgresParameter]
    let decode: @Sendable (PostgresRows) throws(PostgresDecodingError) -> Answer

    init(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter] = [],
        _ decode: @escaping @Sendable (PostgresRows) throws(PostgresDecodingError) -> Answer
    ) {
        self.statement = statement
        self.parameters = parameters
        self.decode = decode
    }

    func query(_ reply: @escaping @Sendable (Result<Answer, LedgerError>) -> Void) -> LedgerQuery {
        LedgerQuery(
            steps: [(statement, parameters)],
            decode: { [decode] rows throws(PostgresDecodingError) in
                guard let first = rows.first else { preconditionFailure("one statement has one answer") }
                let answer = try decode(first)
                return { reply(.success(answer)) }
            }, refuse: { reply(.failure($0)) })
    }
}
