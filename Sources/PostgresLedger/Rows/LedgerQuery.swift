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

/// A question, with the type of its answer.
struct LedgerQuestion<Answer: Sendable>: Sendable {
    typealias Step = (statement: PostgresStatement, parameters: [PostgresParameter])

    let steps: [Step]
    let decode: @Sendable (ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> Answer

    init(
        steps: [Step], _ decode: @escaping @Sendable (ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> Answer
    ) {
        self.steps = steps
        self.decode = decode
    }

    init(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter] = [],
        _ decode: @escaping @Sendable (PostgresRows) throws(PostgresDecodingError) -> Answer
    ) {
        self.init(steps: [(statement, parameters)]) { rows throws(PostgresDecodingError) in
            guard let first = rows.first else { preconditionFailure("one statement has one answer") }
            return try decode(first)
        }
    }

    func add(to batch: inout PostgresBatch) {
        for (statement, parameters) in steps { batch.add(statement, parameters) }
    }

    func query(_ reply: @escaping @Sendable (Result<Answer, LedgerError>) -> Void) -> LedgerQuery {
        LedgerQuery(
            steps: steps,
            decode: { [decode] rows throws(PostgresDecodingError) in
                let answer = try decode(rows)
                return { reply(.success(answer)) }
            }, refuse: { reply(.failure($0)) })
    }
}
