public import Jobs
public import Secrets
public import Threads

/// Access tokens made of the store's grants: refreshed at the token endpoint, kept in memory only.
///
/// A rotated refresh token is durable before anybody gets the access token that came with it.
public struct StoreCredentials: CredentialProvider {
    private let cache: TokenCache

    public init(
        store: GrantStore, endpoint: TokenEndpoint, configuration: TokenCache.Configuration = .init(),
        clock: any Timekeeper = SystemTimekeeper()
    ) {
        let refresher = GrantRefresher(
            store: store, endpoint: endpoint, perSecond: configuration.refreshesPerSecond, clock: clock)
        cache = TokenCache(refresher, configuration: configuration, clock: clock)
    }

    public func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        await cache.token(for: account, rejecting: rejected)
    }

    public func stop() async { await cache.stop() }
}
