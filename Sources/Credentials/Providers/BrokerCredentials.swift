package import Clocks
package import HTTP
import JSON
package import Jobs
package import Secrets

/// Access tokens of a token service over HTTPS or a Unix socket: `POST /v1/token`.
package struct BrokerCredentials: CredentialProvider {
    private let cache: TokenCache

    /// `url` without the path. The engine's timeout is the service's; 5 s are enough for a token.
    package init(
        engine: HTTPEngine, url: String, configuration: TokenCache.Configuration = .init(),
        clock: any TimeSource = SystemTimeSource()
    ) {
        cache = TokenCache(Source(engine: engine, url: url), configuration: configuration, clock: clock)
    }

    package func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        await cache.token(for: account, rejecting: rejected)
    }

    package func stop() async { await cache.stop() }

    private struct Source: TokenSource {
        let engine: HTTPEngine
        let url: String

        static let who = "the token service"

        func fetch(
            _ account: AccountID, rejecting rejected: SHA256Digest?, holding held: SHA256Digest?
        ) async -> TokenAnswer {
            let question = Secret(copying: OAuthErrorText.question(account, rejecting: rejected))
            let request = HTTPRequest(
                .post, url: url + "/v1/token", fields: [HTTPField("Content-Type", "application/json")], body: question)
            switch await engine.send(request) {
            case .notSent(let fault), .ambiguous(let fault):
                return .unavailable("\(Self.who) cannot be reached: \(fault)", retryAfter: nil)
            case .answered(var response):
                guard !response.bodyExceededCap else { return .misconfigured("\(Self.who) answered more than 64 KiB") }
                // Perhaps cut on the way, which another try will show.
                guard !response.bodyIsUndecodable else {
                    return .unavailable("\(Self.who) answered what cannot be decoded", retryAfter: nil)
                }
                guard response.status == 200 else { return refusal(response) }
                return OAuthErrorText.token(&response.body, of: account, rejecting: rejected, who: Self.who)
            }
        }

        private func refusal(_ response: HTTPResponse) -> TokenAnswer {
            let error = (try? JSONValue.parse(response.body))?["error"]
            let explanation = error?["message"]?.text.map { ": \(Redaction.hidingOpaqueText($0))" } ?? ""
            let detail = DetailText.scrubbed("\(Self.who) answered \(response.status)\(explanation)")
            let after = error?["retry_after_seconds"]?.integer.map(TokenAnswer.wait)
            switch (response.status, error?["code"]?.text) {
            // A wrong path answers 404 as well, and must not look like an account without a grant.
            case (404, "not_found"): return .notFound
            case (409, "grant_revoked"): return .grantRevoked(detail)
            case (403, "scope_missing"): return .scopeMissing(detail)
            case (403, "account_blocked"): return .accountBlocked(detail)
            case (429, _), (500..., _): return .unavailable(detail, retryAfter: after)
            default: return .misconfigured(detail)
            }
        }
    }
}
