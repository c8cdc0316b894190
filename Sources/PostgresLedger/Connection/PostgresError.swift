import Concurrency

/// Why a connection could not be made, a batch was not done, or what became of it is not known.
struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        /// Undone for sure, by no fault of its own: the same batch may be sent again as it was.
        case retryable
        /// The database cannot be reached or does not take writes now: it is for another connection, later.
        case unavailable
        /// Role, password, certificate, database, schema, privilege or URL: waiting does not help.
        case refusedConfiguration
        /// A statement or its values are wrong, which only another program changes.
        case fault
        /// The batch was sent, and whether it is committed, here or on its replica, is not known. Reading it back
        /// proves nothing: a row can be seen that its replica does not have.
        case outcomeUnknown
    }

    var kind: Kind
    /// Host and database.
    var endpoint: String
    var attempted: String
    /// In the words of the server or of libpq, on one line; without the values of a row.
    var message: String
    /// The server's SQLSTATE, if it is the server that speaks.
    var state: String?
    /// Where the usual advice for the kind would not do.
    var remedy: String?

    var description: String {
        let code = state.map { " (SQLSTATE \($0))" } ?? ""
        return "\(attempted) at \(endpoint): \(message)\(code); \(advice)"
    }

    /// What is to be done.
    var advice: String {
        if let remedy { return remedy }
        if let state, let advice = Self.advice(for: state) { return advice }
        return switch kind {
        case .retryable: "it was undone, and is sent again"
        case .unavailable: "it goes on by itself once the database is back"
        case .refusedConfiguration: "correct `ledger.url` or the database's side of it"
        case .fault: "report this as a fault of leave-albumd"
        case .outcomeUnknown: "whether it is committed is not known, and is found out before anything rests on it"
        }
    }

    private static func advice(for state: String) -> String? {
        switch state {
        case "53100": "make room on the database's disk, and it goes on by itself"
        case "53300": "raise max_connections or end other clients of the database, and it goes on by itself"
        case "25006": "it is a standby, or read-only: name the primary in `ledger.url`, where several hosts may stand"
        case "28P01": "correct the password file, or the role's password"
        case "28000": "correct `ledger.url`, or what the database's pg_hba.conf has for this host and role"
        case "3D000": "make the database, or correct its name in `ledger.url`"
        case "3F000", "42P01": "make the schema in that database, or correct its name in `ledger.url`"
        case "42501": "grant the role what it needs"
        case "26000", "42P05":
            "a pooler that carries no prepared statements stands before it: use pgbouncer 1.21 or newer, or none"
        default: nil
        }
    }
}

extension PostgresError {
    /// An error of the server: its SQLSTATE says the kind.
    init(_ report: PostgresReport, endpoint: String, attempted: String) {
        self.init(
            kind: Kind(state: report.state), endpoint: endpoint, attempted: attempted, message: report.message,
            state: report.state)
    }

    /// It waited for a lock as long as its session may.
    var isLockTimeout: Bool { state == "55P03" }

    /// What goes wrong on this side may have gone wrong for want of a descriptor, which libpq does not say.
    func explained(_ shortage: DescriptorShortage?) -> PostgresError {
        guard let shortage else { return self }
        return PostgresError(
            kind: .unavailable, endpoint: endpoint, attempted: attempted, message: "\(shortage)",
            remedy: "it goes on by itself")
    }
}

extension PostgresError.Kind {
    /// Serialization failure, deadlock; a lock or a statement that took longer than the role may wait.
    static let undoneStates: Set = ["40001", "40P01", "55P03", "57014"]

    /// https://www.postgresql.org/docs/15/errcodes-appendix.html
    init(state: String) {
        switch state {
        case _ where Self.undoneStates.contains(state): self = .retryable
        // Too many sessions' worth of idleness; a standby or a database set to read-only.
        case "25P03", "25006": self = .unavailable
        // Database, schema, table, privilege; a pooler without prepared statements.
        case "3D000", "3F000", "42P01", "42501", "26000", "42P05": self = .refusedConfiguration
        default:
            switch state.prefix(2) {
            // Connection, resources, operator intervention, the machine.
            case "08", "53", "57", "58": self = .unavailable
            // Authorization.
            case "28": self = .refusedConfiguration
            default: self = .fault
            }
        }
    }
}
