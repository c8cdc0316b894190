package import Jobs
package import Secrets

/// Where access tokens come from.
package protocol CredentialProvider: Sendable {
    /// The account's token.
    ///
    /// - Parameter rejected: the SHA-256 of a token that the API has just refused. The provider never answers with
    ///   that token again: it finds another, or says why it has none.
    func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer

    /// Nobody wants another token: who waits for one is told "unavailable" as soon as nothing is lost by it. A refresh
    /// that is on its way is heard out, because its answer may be the only copy of a grant.
    func stop() async
}

extension CredentialProvider {
    package func stop() async {}
}
