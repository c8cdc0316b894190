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

/// Providers asked in order. Only "not found" goes on to the next: any other answer is about this account's own
/// grant, and another provider's token for it would be somebody else's decision.
package struct ProviderChain: CredentialProvider {
    private let providers: [any CredentialProvider]

    /// - Parameter providers: at least one.
    package init(_ providers: [any CredentialProvider]) {
        precondition(!providers.isEmpty, "the settings guarantee a provider")
        self.providers = providers
    }

    package func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        for provider in providers {
            let answer = await provider.token(for: account, rejecting: rejected)
            if case .notFound = answer { continue }
            return answer
        }
        return .notFound
    }

    package func stop() async {
        for provider in providers { await provider.stop() }
    }
}
