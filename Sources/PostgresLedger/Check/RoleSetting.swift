/// A setting that the role of the daemons has in the database, because a daemon sets nothing itself: so it holds behind
/// a pooler too. The raw value is its name in PostgreSQL.
package enum RoleSetting: String, CaseIterable, Sendable {
    case enableSeqscan = "enable_seqscan"
    case enableHashjoin = "enable_hashjoin"
    case enableMergejoin = "enable_mergejoin"
    case jit
    case planCacheMode = "plan_cache_mode"
    case synchronousCommit = "synchronous_commit"
    case lockTimeout = "lock_timeout"
    case idleInTransaction = "idle_in_transaction_session_timeout"
    /// From PostgreSQL 17 on.
    case transactionTimeout = "transaction_timeout"
    case deadlockTimeout = "deadlock_timeout"
    case keepalivesIdle = "tcp_keepalives_idle"
    case keepalivesInterval = "tcp_keepalives_interval"
    case keepalivesCount = "tcp_keepalives_count"

    /// What it is set to, as PostgreSQL reads it.
    package var wanted: String {
        switch self {
        case .enableSeqscan, .enableHashjoin, .enableMergejoin, .jit: "off"
        case .planCacheMode: "force_generic_plan"
        case .synchronousCommit: "on"
        // Shorter than a batch may take, so that one that waits for a lock by hand is tried again.
        case .lockTimeout: "1s"
        case .idleInTransaction: "10s"
        // More than pruning, or counting a million jobs, takes.
        case .transactionTimeout: "60s"
        // Well before `lock_timeout`: what is found as a deadlock is undone for one batch alone, and sent again.
        case .deadlockTimeout: "100ms"
        case .keepalivesIdle, .keepalivesInterval: "10"
        case .keepalivesCount: "3"
        }
    }

    /// Whether only a superuser sets it, or whoever was given it by `GRANT SET ON PARAMETER`.
    /// https://www.postgresql.org/docs/15/runtime-config-locks.html
    var needsSuperuser: Bool { self == .deadlockTimeout }

    /// What a plan that is made once must not become when the tables grow.
    static let plans: [RoleSetting] = [.enableSeqscan, .enableHashjoin, .enableMergejoin, .jit, .planCacheMode]

    // MARK: What is wrong

    /// The longest time, in milliseconds, that still does what the setting is for; and what happens beyond it.
    private var longest: (milliseconds: Int, without: String)? {
        switch self {
        case .lockTimeout: (5_000, "a change of the schema by hand keeps the claims waiting for as long as it takes")
        case .idleInTransaction: (60_000, "the session of a daemon that stopped halfway keeps its locks")
        case .transactionTimeout: (300_000, "a batch that hangs keeps its locks")
        case .deadlockTimeout: (250, "two batches that wait for each other do so until lock_timeout, and fail by it")
        case .enableSeqscan, .enableHashjoin, .enableMergejoin, .jit, .planCacheMode, .synchronousCommit,
            .keepalivesIdle, .keepalivesInterval, .keepalivesCount:
            nil
        }
    }

    /// A host that vanished is found within this, in seconds: what a lease takes at most.
    private static let longestSilence = 60

    /// One line for each time that is not as it should be; none of plans and durability, which `DatabaseCheck` words
    /// together. `values`: as `pg_settings` has them, in its own units, by name. What this release does not know is not
    /// missed.
    static func problems(_ values: [String: String]) -> [String] {
        var problems: [String] = []
        for setting in allCases {
            guard let (longest, without) = setting.longest, let value = values[setting.rawValue].flatMap({ Int($0) })
            else { continue }
            // 0 is never.
            guard value == 0 || value > longest else { continue }
            problems.append(
                "\(setting.rawValue) is \(value == 0 ? "off" : "\(value) ms") for this role: \(without); "
                    + "set it to \(setting.wanted)")
        }
        return problems + (keepalives(values).map { [$0] } ?? [])
    }

    private static func keepalives(_ values: [String: String]) -> String? {
        let all: [RoleSetting] = [.keepalivesIdle, .keepalivesInterval, .keepalivesCount]
        let found = all.compactMap { values[$0.rawValue].flatMap { Int($0) } }
        // Over a socket, and where the system has none, they are shown as 0.
        guard found.count == all.count, found.allSatisfy({ $0 > 0 }) else { return nil }
        let silence = found[0] + found[1] * found[2]
        guard silence > longestSilence else { return nil }
        let wanted = all.map { "\($0.rawValue) = \($0.wanted)" }.joined(separator: ", ")
        return "the session of a daemon whose host vanished keeps its locks for \(silence) s, by this role's "
            + "keepalives; set \(wanted)"
    }
}
