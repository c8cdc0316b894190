/// Statements that are sent together and are one transaction: all of them are committed, or none.
///
/// There is no BEGIN and no COMMIT: what stands before one Sync is an implicit transaction, which ends in an error by
/// itself, where a block would keep its connection in a failed transaction.
/// https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY
struct PostgresBatch: Sendable {
    struct Execution: Hashable, Sendable {
        let statement: PostgresStatement
        let parameters: [PostgresParameter]
    }

    private(set) var executions: [Execution] = []
    /// What the batch takes on the wire, as if none of its statements had been prepared before it.
    private(set) var byteCount = syncSize
    private var names: Set<String> = []

    init() {}

    // A message is its kind, its length and its fields.
    // https://www.postgresql.org/docs/15/protocol-message-formats.html
    private static let syncSize = 5
    private static let headSize = 5
    /// Describe of the unnamed portal, and Execute of it.
    private static let runSize = 7 + 10

    mutating func add(_ statement: PostgresStatement, _ parameters: [PostgresParameter] = []) {
        precondition(
            parameters.map(\.type) == statement.parameters,
            "\(statement.name) takes \(statement.parameters), not \(parameters.map(\.type))")
        executions.append(Execution(statement: statement, parameters: parameters))
        let name = statement.name.utf8.count + 1
        let isNew = names.insert(statement.name).inserted
        let parse = isNew ? Self.headSize + name + statement.text.utf8.count + 1 + 2 + 4 * parameters.count : 0
        let values = parameters.reduce(0) { $0 + 4 + ($1.bytes?.count ?? 0) }
        // Portal, name, one format for each parameter, values, one format for the answer.
        let bind = Self.headSize + 1 + name + 2 + 2 * parameters.count + 2 + values + 4
        byteCount += parse + bind + Self.runSize
    }
}

/// What came of a batch whose answer is complete.
struct PostgresBatchAnswer: Hashable, Sendable {
    enum Outcome: Hashable, Sendable {
        case rows(PostgresRows)
        /// The server's error, which has undone the whole batch.
        case failed(PostgresError)
        /// Not run, because of the statement before it that failed.
        case aborted
    }

    /// One for each statement, in their order.
    let outcomes: [Outcome]
    /// What the server remarked while the batch was with it.
    let notices: [PostgresReport]

    /// Nil: the batch is committed.
    var failure: PostgresError? {
        outcomes.lazy.compactMap { if case .failed(let error) = $0 { error } else { nil } }.first
    }

    /// The rows of each statement, if the batch is committed.
    func rows() throws(PostgresError) -> [PostgresRows] {
        if let failure { throw failure }
        return outcomes.map { outcome in
            switch outcome {
            case .rows(let rows): rows
            case .failed, .aborted: preconditionFailure("nothing is aborted where nothing failed")
            }
        }
    }
}
