import Ledger

/// A database whose ledger is moved, or is to be made: connected, looked at, and let in.
struct MoveConnection: ~Copyable {
    /// For people.
    let place: String
    let identity: LedgerIdentity
    private let opened: PostgresTransfer

    var mark: MoveMark? { identity.mark }

    static func open(_ configuration: PostgresConfiguration) throws(LedgerError) -> MoveConnection {
        var connection = try LedgerOpening.connect(configuration)
        let identity = try LedgerOpening.check(
            &connection, within: configuration.connectTimeout, permitsMoved: true)
        let place = "the ledger at \(connection.endpoint)"
        do throws(PostgresError) {
            return MoveConnection(place: place, identity: identity, opened: try PostgresTransfer(connection))
        } catch {
            throw LedgerOpening.refusal(error)
        }
    }

    consuming func transfer() -> PostgresTransfer { opened }
}

extension PostgresTransfer {
    /// What goes wrong in it is said as where a ledger is opened: a person is there who sees to it.
    mutating func perform<Answer>(
        _ body: (inout PostgresTransfer) throws(PostgresError) -> Answer
    ) throws(LedgerError) -> Answer {
        do throws(PostgresError) {
            return try body(&self)
        } catch {
            throw LedgerOpening.refusal(error)
        }
    }

    /// What an operator has to see to.
    func refusal(_ message: String, _ remedy: String) -> PostgresError {
        var error = failure(.refusedConfiguration, message)
        error.remedy = remedy
        return error
    }
}
