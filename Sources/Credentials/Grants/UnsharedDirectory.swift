package import Jobs
package import Secrets

/// A directory of one daemon's own, where several could work on one ledger: it is refreshed from only while no other daemon
/// works there, for two of them that have the same grant would use its refresh token twice. What was got before is used on.
package struct UnsharedDirectory: GrantRefreshing {
    private let store: GrantStore
    private let others: @Sendable () async throws -> String?

    /// - Parameter others: names one of those who work on the ledger besides; nil: there is none.
    package init(_ store: GrantStore, others: @escaping @Sendable () async throws -> String?) {
        self.store = store
        self.others = others
    }

    package func waitForPlace() async throws(GrantStoreError) { try await store.waitForPlace() }

    package func begin(
        _ account: AccountID, unlike unwanted: Set<SHA256Digest>
    ) async throws(GrantStoreError) -> RefreshStart {
        let other: String?
        do {
            other = try await others()
        } catch {
            throw GrantStoreError(
                description: "whether another daemon has the grants as well cannot be found out: \(error)",
                mayPass: true)
        }
        if let other { return .refused(Self.refusal(other)) }
        return try await store.begin(account, unlike: unwanted)
    }

    /// What an operator is to do, whenever it shows.
    package static func refusal(_ other: String) -> String {
        "daemon \(other) works on this ledger too, and the grants are in a directory, from which two would use a refresh "
            + "token twice: set credentials.store.backend = \"ledger\" on all and run `leave-albumd credentials move`, or "
            + "credentials.store.shared_directory = true if all have the one directory"
    }
}
