/// What a daemon wants of the database's standbys.
package enum StandbyDemand: Sendable {
    /// Nothing; of one that may lack commits it warns.
    case any
    /// That each commit is flushed at one before it is answered.
    case required
    /// Nothing, not even to know.
    case ignored

    // `remote_write` is lost with the standby's power, and what is weaker waits for none.
    // https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
    private static let reading = PostgresStatement(
        "standby_settings", "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')"
    )

    /// Why commits are not what is required; nil if they are. Whether the standby is there needs no look: else they wait.
    static let question = LedgerQuestion(reading) { rows throws(PostgresDecodingError) in
        shortcoming(names: try rows.value(0, 0), commit: try rows.value(0, 1))
    }

    static func shortcoming(names: String, commit: String) -> String? {
        let what: String
        if names.allSatisfy(\.isWhitespace) {
            what = "the database's commits wait for no standby (synchronous_standby_names is empty)"
        } else if !["on", "remote_apply"].contains(commit) {
            what = "commits of this role are not flushed at a standby (synchronous_commit is \(commit))"
        } else {
            return nil
        }
        return "\(what), and ledger.replication is \"required\": a failover could lose the claim of a call"
    }
}
