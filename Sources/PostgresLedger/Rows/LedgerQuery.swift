import Ledger

/// Statements that rest on no decision, and what is made of their rows. The statements of a query are one transaction
/// with whatever shares their batch, so it may be run again.
struct LedgerQuery: Sendable {
    var steps: [(statement: PostgresStatement, parameters: [PostgresParameter])]
    /// Called once it is committed; what it returns answers whoever asked.
    var decode: @Sendable (ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> @Sendable () -> Void
    var refuse: @Sendable (LedgerError) -> Void = { _ in }
    var place = LockPlace.nothing

    func add(to batch: inout PostgresBatch) {
        for (statement, parameters) in steps { batch.add(statement, parameters) }
    }

    /// That nobody waits for.
    static func unanswered(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter], place: LockPlace
    ) -> LedgerQuery {
        LedgerQuery(steps: [(statement, parameters)], decode: { _ in {} }, place: place)
    }
}

/// A question, with the type of its answer.
struct LedgerQuestion<Answer: Sendable>: Sendable {
    typealias Step = (statement: PostgresStatement, parameters: [PostgresParameter])

    let steps: [Step]
    let place: LockPlace
    let decode: @Sendable (ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> Answer

    init(
        steps: [Step], place: LockPlace = .nothing,
        _ decode: @escaping @Sendable (ArraySlice<PostgresRows>) throws(PostgresDecodingError) -> Answer
    ) {
        self.steps = steps
        self.place = place
        self.decode = decode
    }

    init(
        _ statement: PostgresStatement, _ parameters: [PostgresParameter] = [], place: LockPlace = .nothing,
        _ decode: @escaping @Sendable (PostgresRows) throws(PostgresDecodingError) -> Answer
    ) {
        self.init(steps: [(statement, parameters)], place: place) { rows throws(PostgresDecodingError) in
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
            }, refuse: { reply(.failure($0)) }, place: place)
    }
}
