import Clocks
import Ledger

/// The first connection to a ledger: whatever is wrong with it is said in one line.
enum LedgerOpening {
    /// The first host that takes writes.
    ///
    /// - Throws: `.unusable` for what waiting does not mend: role, password, certificate, no such database, or a standby
    ///   alone. `.unavailable` else: of several hosts all are standbys until one of them takes the primary's place.
    static func connect(
        _ configuration: PostgresConfiguration, clock: any TimeSource = SystemTimeSource()
    ) throws(LedgerError) -> PostgresConnection {
        var errors: [PostgresError] = []
        for host in configuration.url.hosts {
            do throws(PostgresError) {
                return try PostgresConnection.open(to: host, configuration, clock: clock)
            } catch {
                errors.append(error)
            }
        }
        // One of several that is to be corrected is no reason not to wait for the others.
        let mayTakeWritesLater = errors.count > 1 && errors.contains { $0.state == "25006" }
        let isHopeless =
            errors.allSatisfy { $0.kind == .refusedConfiguration || $0.state == "25006" } && !mayTakeWritesLater
        let text = errors.map(\.description).joined(separator: "; ")
        throw isHopeless ? LedgerError.unusable(text) : LedgerError.unavailable(text)
    }

    /// An error of a connection that was there.
    static func refusal(_ error: PostgresError) -> LedgerError {
        switch error.kind {
        case .retryable, .unavailable, .outcomeUnknown: return .unavailable(error.description)
        case .refusedConfiguration, .fault: break
        }
        switch error.state {
        case "3F000", "42P01":
            return .unusable(
                "there is no ledger at \(error.endpoint): make it by `leave-albumd ledger declare`, "
                    + "as the role that is to own it")
        case "42501":
            return .unusable(
                "the role may not use the ledger at \(error.endpoint): \(error.message); "
                    + "run `leave-albumd ledger declare --worker-role ROLE` as the schema's owner")
        case "42703", "42P07":
            return .unusable("schema leave_album at \(error.endpoint) is of another program: use another database")
        default: return .unusable(error.description)
        }
    }

    /// The ledger that is there, if this program and this role may work with it.
    ///
    /// - Parameter permitsMoved: see `LedgerIdentity.problem`.
    static func check(
        _ connection: inout PostgresConnection, within timeout: Duration, permitsMoved: Bool = false
    ) throws(LedgerError) -> LedgerIdentity {
        let identity: LedgerIdentity
        do throws(PostgresError) {
            identity = try LedgerIdentity.read(&connection, within: timeout)
        } catch {
            throw refusal(error)
        }
        // Before the rights on tables of which an older schema has not all.
        if let problem = identity.problem(endpoint: connection.endpoint, permitsMoved: permitsMoved) {
            throw .unusable(problem)
        }
        let missing: String
        do throws(PostgresError) {
            missing = try LedgerIdentity.missingRights(&connection, within: timeout)
        } catch {
            throw refusal(error)
        }
        guard missing.isEmpty else {
            throw .unusable(
                "the role lacks \(missing) in schema leave_album at \(connection.endpoint): "
                    + "run `leave-albumd ledger declare --worker-role ROLE` as the schema's owner")
        }
        return identity
    }

    /// One question, and its answer.
    static func ask<Answer>(
        _ question: LedgerQuestion<Answer>, _ connection: inout PostgresConnection, within timeout: Duration
    ) throws(LedgerError) -> Answer {
        var batch = PostgresBatch()
        question.add(to: &batch)
        do throws(PostgresError) {
            let rows = try connection.run(batch, within: timeout).rows()
            do throws(PostgresDecodingError) {
                return try question.decode(rows[...])
            } catch {
                throw PostgresError(
                    kind: .fault, endpoint: connection.endpoint, attempted: "reading an answer", message: "\(error)")
            }
        } catch {
            throw refusal(error)
        }
    }
}
