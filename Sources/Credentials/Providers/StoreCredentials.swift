package import Clocks
package import Jobs
package import Secrets

/// Access tokens made of the store's grants: refreshed at the token endpoint, kept in memory, and where daemons share
/// their grants sealed in the ledger besides.
///
/// A rotated refresh token is durable before anybody gets the access token that came with it.
package struct StoreCredentials: CredentialProvider {
    private let cache: TokenCache

    /// What the store may have open at once, for so many accounts: the lock of each, which is held until the token
    /// endpoint has answered, and its file. The endpoint's engine is not counted.
    package static func mostDescriptors(accounts: Int) -> Int { 2 * accounts }

    package init(
        store: any GrantRefreshing, endpoint: TokenEndpoint, configuration: TokenCache.Configuration = .init(),
        clock: any TimeSource = SystemTimeSource()
    ) {
        let refresher = GrantRefresher(
            store: store, endpoint: endpoint, configuration: configuration, clock: clock)
        cache = TokenCache(refresher, configuration: configuration, clock: clock)
    }

    package func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        await cache.token(for: account, rejecting: rejected)
    }

    package func stop() async { await cache.stop() }
}
