import Concurrency
package import Jobs

extension GrantStore {
    /// What became of one grant that was to be moved.
    package enum Move: Sendable {
        case moved
        /// The ledger has another grant of the account, perhaps a newer one: the file stays.
        case isThere
        /// It is gone from the directory.
        case notFound
    }

    /// Moves one grant into the ledger: it is durable there before its file goes, so that there are never two for longer
    /// than a kill between the two takes. Running it again ends that: the grant that is there is then the file's own.
    package func move(_ account: AccountID, to ledger: LedgerGrants) async throws(GrantStoreError) -> Move {
        let lock = try await offloaded { () throws(GrantStoreError) in try self.lock(account) }
        defer { lock.release() }
        guard let grant = try load(account) else { return .notFound }
        if try await !ledger.add(grant), try await ledger.load(account)?.refreshToken != grant.refreshToken {
            return .isThere
        }
        _ = try remove(account)
        return .moved
    }
}
