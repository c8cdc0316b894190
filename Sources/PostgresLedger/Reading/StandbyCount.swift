import Ledger

/// Who replicates a database, by its settings and `pg_stat_replication`.
struct StandbyCount: Equatable, Sendable {
    /// `synchronous_standby_names`.
    var names: String
    /// `synchronous_commit`, as this role has it.
    var commit: String
    /// That could take the primary's place: neither a base backup nor a subscriber.
    var standbys: Int
    /// Of these, those that a commit waits for now.
    var synchronous: Int
    /// Else the view has rows, and not what they are.
    var seesStates: Bool

    /// Only with these a commit waits for a standby.
    /// https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-SYNCHRONOUS-COMMIT
    private static let waiting: Set = ["on", "remote_write", "remote_apply"]

    /// Nil: this role cannot tell.
    var replication: DatabaseCondition.Replication? {
        guard !names.allSatisfy(\.isWhitespace), Self.waiting.contains(commit) else {
            if standbys == 0 { return .noStandby }
            return seesStates ? .asynchronous : nil
        }
        if standbys == 0 { return .waiting }
        guard seesStates else { return nil }
        return synchronous >= Self.wanted(by: names) ? .synchronous : .waiting
    }

    /// How many standbys a commit waits for: `ANY 2 (…)`, `FIRST 2 (…)`, `2 (…)`; of a plain list, for one.
    /// https://www.postgresql.org/docs/15/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES
    static func wanted(by names: String) -> Int {
        let number = names.firstMatch(of: /^\s*(?:(?:any|first)\s+)?(\d+)\s*\(/.ignoresCase())?.output.1
        return number.flatMap { Int($0) } ?? 1
    }
}
