/// What came of a batch so far, out of what the server sends: a value, which libpq's results go into.
///
/// A batch is a row of steps: for each statement its preparation, if the connection has not got it, and its run. Each
/// step has one result and an end; the last end is that of the transaction.
struct BatchProgress {
    enum Step: Hashable, Sendable {
        case prepare(Int)
        case run(Int)

        var statement: Int {
            switch self {
            case .prepare(let index), .run(let index): index
            }
        }
    }

    enum Ending: Error, Hashable, Sendable {
        case complete([PostgresBatchAnswer.Outcome])
        case failed(PostgresError)
    }

    private let endpoint: String
    private let statements: [PostgresStatement]
    private var steps: ArraySlice<Step>
    private var outcomes: [PostgresBatchAnswer.Outcome?]
    /// The server's last word, after which it closes the connection.
    private var farewell: PostgresReport?
    /// What the server has from now on by its name, also if the batch fails.
    private(set) var prepared: [PostgresStatement] = []

    init(_ batch: PostgresBatch, known: [String: PostgresStatement], endpoint: String) {
        self.endpoint = endpoint
        statements = batch.executions.map(\.statement)
        outcomes = statements.map { _ in nil }
        var known = known
        var steps: [Step] = []
        for (index, statement) in statements.enumerated() {
            if known[statement.name] == nil { steps.append(.prepare(index)) }
            let same = known.updateValue(statement, forKey: statement.name) ?? statement
            precondition(same == statement, "two statements are called \(statement.name)")
            steps.append(.run(index))
        }
        self.steps = steps[...]
    }

    /// What is to be sent, in this order.
    var remaining: ArraySlice<Step> { steps }

    // MARK: What comes

    mutating func succeed(_ rows: PostgresRows) {
        switch steps.first {
        case .prepare(let index)?: prepared.append(statements[index])
        case .run(let index)?: outcomes[index] = .rows(rows)
        case nil: break
        }
    }

    mutating func fail(_ report: PostgresReport) {
        guard !report.endsConnection else {
            farewell = report
            return
        }
        guard let index = steps.first?.statement else { return }
        outcomes[index] = .failed(PostgresError(report, endpoint: endpoint, attempted: attempted(index)))
    }

    mutating func abort() {
        // The preparation may be what failed.
        guard let index = steps.first?.statement, outcomes[index] == nil else { return }
        outcomes[index] = .aborted
    }

    mutating func endStep() {
        steps = steps.dropFirst()
    }

    // MARK: How it ends

    /// The transaction is at its end: the server is ready for the next batch.
    func end(_ notices: [PostgresReport]) -> Ending {
        if let doubt = notices.first(where: \.leavesCommitInDoubt), failure == nil { return .failed(unknown(doubt)) }
        let outcomes = outcomes.compactMap { $0 }
        guard outcomes.count == statements.count else {
            return .failed(unknown("it ended without an answer for each statement"))
        }
        return .complete(outcomes)
    }

    /// The connection is gone, or is given up. Whatever had failed before is undone for sure.
    func lose(_ notices: [PostgresReport], _ message: String) -> PostgresError {
        if let failure { return failure }
        if let last = notices.first(where: \.leavesCommitInDoubt) ?? farewell { return unknown(last) }
        return unknown(message)
    }

    private var failure: PostgresError? {
        outcomes.lazy.compactMap { if case .failed(let error) = $0 { error } else { nil } }.first
    }

    private func attempted(_ index: Int) -> String { "running \(statements[index].name)" }

    private func unknown(_ report: PostgresReport) -> PostgresError {
        var error = unknown(report.message)
        error.state = report.state
        return error
    }

    private func unknown(_ message: String) -> PostgresError {
        PostgresError(
            kind: .outcomeUnknown, endpoint: endpoint, attempted: "committing \(statements.count) statements",
            message: message)
    }
}
