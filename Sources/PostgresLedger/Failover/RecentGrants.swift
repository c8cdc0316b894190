import Clocks
import Jobs
import Ledger

/// What this process has written or read of grants lately, and which of them it refreshes: what a database that failed over
/// may have lost, and can be given again.
///
/// A refresh token that rotates is worth nothing once it was used, and its successor is nowhere but here and in the database:
/// so the newest row is kept as it was written, sealed. Whoever has read it brings it back too, if its writer is gone.
struct RecentGrants: Sendable {
    struct Row: Equatable, Sendable {
        var sealed: [UInt8]
        var version: Int64
        /// By the ledger's clock.
        var writtenAt: Timestamp
        var access: SealedAccess?
        /// When `access` had its time left.
        var knownAt: MonotonicTime
    }

    struct LeaseTaken: Equatable, Sendable {
        var fence: Int64
        /// Of the row as it was leased.
        var version: Int64
        /// Counted from the asking: the database's own end is later.
        var until: MonotonicTime
    }

    private struct Entry {
        var row: Row?
        /// Versions of which it is known that the row took their place.
        var replaced: Set<Int64> = []
        var lease: LeaseTaken?

        func knowsOlder(_ stored: SealedGrant) -> Bool {
            guard let row, stored.version != row.version else { return false }
            return replaced.contains(stored.version) || stored.writtenAt < row.writtenAt
        }
    }

    // All members together refresh five grants a second.
    private var entries = RecentTable<AccountID, Entry>(most: 1_024, mostBytes: 1 << 20)

    /// In the order in which they are written.
    var accounts: [AccountID] { entries.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }

    private mutating func change(_ account: AccountID, at now: MonotonicTime, _ change: (inout Entry) -> Void) {
        entries.note(
            account, from: Entry(), at: now,
            size: { ($0.row?.sealed.count ?? 0) + ($0.row?.access?.sealed.count ?? 0) }, change)
    }

    // MARK: What is noted

    mutating func leased(_ account: AccountID, _ lease: LeaseTaken, at now: MonotonicTime) {
        change(account, at: now) { $0.lease = lease }
    }

    mutating func renewed(_ account: AccountID, fence: Int64, until: MonotonicTime, at now: MonotonicTime) {
        guard entries[account]?.lease?.fence == fence else { return }
        change(account, at: now) { $0.lease?.until = until }
    }

    /// Nothing was used up in that lease's name, and nobody needs it any more.
    mutating func released(_ account: AccountID, fence: Int64, at now: MonotonicTime) {
        guard entries[account]?.lease?.fence == fence else { return }
        change(account, at: now) { $0.lease = nil }
    }

    mutating func saved(_ account: AccountID, _ row: Row, over version: Int64, at now: MonotonicTime) {
        change(account, at: now) { entry in
            entry.replaced.insert(version)
            if let before = entry.row?.version { entry.replaced.insert(before) }
            entry.row = row
            entry.lease = nil
        }
    }

    /// A row that the database has. What is older than a minute every standby has; what is older than the one that is known
    /// was read from a database that has lost that one.
    mutating func seen(_ grant: SealedGrant, at now: MonotonicTime) {
        guard grant.age <= RecentTable<AccountID, Entry>.age else { return }
        let before = entries[grant.account]
        guard before?.row?.version != grant.version, !(before?.knowsOlder(grant) ?? false) else { return }
        change(grant.account, at: now) { entry in
            if let version = entry.row?.version { entry.replaced.insert(version) }
            entry.row = Row(
                sealed: grant.sealed, version: grant.version, writtenAt: grant.writtenAt, access: grant.access,
                knownAt: now)
        }
    }

    // MARK: After a failover

    /// What is to be made of the row that the database has now.
    struct Repair: Equatable, Sendable {
        var row: Row?
        /// The version in whose place the row comes.
        var over: Int64 = 0
        /// Taken again, for its whole time: the endpoint may be asked, or have been asked, in its name.
        var lease: LeaseTaken?
        /// Whether that lease is gone before its time.
        var hasLostLease = false
    }

    /// Nil: there is nothing to repair. An older row gives way to a newer one, and never the reverse. One that is not there
    /// was removed, or went with the word of whoever had put it in: a grant that its user may have taken back is not brought
    /// back. `isAnother`: the database has failed over; without that no lease is lost.
    func repair(_ account: AccountID, _ stored: SealedGrant?, isAnother: Bool, at now: MonotonicTime) -> Repair? {
        guard let entry = entries[account], let stored else { return nil }
        var repair = Repair()
        if entry.knowsOlder(stored) { (repair.row, repair.over) = (entry.row, stored.version) }
        if isAnother, let lease = entry.lease, lease.version == repair.row?.version ?? stored.version {
            repair.lease = lease
            repair.hasLostLease = lease.until > now && (repair.row != nil || stored.leaseLeft == nil)
        }
        return repair.row == nil && repair.lease == nil ? nil : repair
    }
}
