/// An error or a notice of the server.
struct PostgresReport: Hashable, Sendable {
    /// ERROR, FATAL, PANIC; WARNING, NOTICE … Not translated.
    let severity: String
    let state: String
    let message: String

    /// After it the server closes the connection, whatever the statement was at.
    var endsConnection: Bool { severity == "FATAL" || severity == "PANIC" }

    /// At a commit: it is done here, and its replica may not have it. 01000 is what the wait for the replica says when
    /// it is cancelled, 57P01 when the session is terminated in it; the commit answers success or nothing.
    /// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/replication/syncrep.c (`SyncRepWaitForLSN`)
    var leavesCommitInDoubt: Bool { state == "01000" || state.hasPrefix("57P") }
}

extension PostgresReport {
    /// libpq gives no SQLSTATE for a connection that the server refuses; but in its verbose form the message has it:
    /// `… failed: FATAL:  28P01: password authentication failed`, in the server's language. Nil if it was not the server
    /// that spoke.
    init?(ofConnecting message: String) {
        guard let match = message.firstMatch(of: /(\S+):  ([0-9A-Z]{5}): ([^\n]*)/) else { return nil }
        self.init(
            severity: String(match.output.1), state: String(match.output.2), message: String(match.output.3))
    }
}

/// libpq's own messages.
enum LibpqMessage {
    /// On one line, without the host, which the error names.
    static func text(_ message: String) -> String {
        let line = message.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard line.hasPrefix("connection to server"), let end = line.firstRange(of: " failed: ") else { return line }
        return String(line[end.upperBound...])
    }

    /// Whether a connection failed for what an operator has to correct: certificate, key, method of login. libpq gives
    /// no codes; without a locale its texts are these. `PostgresLoginTests` and `PostgresTLSTests` meet each.
    static func refusesConfiguration(_ message: String) -> Bool {
        [
            "certificate", "private key", "SSL error:", "does not support SSL", "no password supplied",
            "channel binding", "authentication method", "SCRAM", "server signature",
        ].contains { message.contains($0) }
    }
}
