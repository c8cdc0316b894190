public import HTTP
import Jobs
public import Secrets
public import Threads

/// What the token endpoint says, RFC 6749, sections 5.1 and 5.2, in the words of the service.
public enum RefreshAnswer: Sendable {
    /// `refreshToken` replaces the old one, and is to be durable before anybody uses the access token.
    case token(AccessToken, refreshToken: Secret?)
    case revoked(String)
    case reauthRequired(String)
    case misconfigured(String)
    case scopeMissing(String)
    case accountBlocked(String)
    case unavailable(String, retryAfter: Duration?)
    /// A success that cannot be understood: again, and then it is the operator's.
    case malformed(String)

    /// Codes that are as long as a token.
    private static let codes: Set<String> = [
        "admin_policy_enforced", "temporarily_unavailable", "unsupported_grant_type",
    ]

    /// An access token without a lifetime is taken for this.
    private static let lifetime: Int64 = 3_600

    /// Overwrites the tokens in the answer's bytes.
    public init(_ exchange: consuming HTTPExchange, now: Timestamp) {
        switch exchange {
        case .notSent(let fault), .ambiguous(let fault):
            self = .unavailable("the token endpoint cannot be reached: \(fault)", retryAfter: nil)
        case .answered(var response):
            let cut = SecretMembers.cut(["access_token", "refresh_token", "id_token"], from: &response.body)
            let json = try? JSONValue.parse(cut.rest)
            let after = response.fields.first { $0.name.lowercased() == "retry-after" }
                .flatMap { Int64($0.value) }.map { Duration.seconds(min(max($0, 0), 86_400)) }
            switch response.status {
            case 200: self = Self.success(cut, json, now: now)
            case 408, 429, 500...:
                self = .unavailable("the token endpoint answered \(response.status)", retryAfter: after)
            default: self = Self.refusal(response.status, json, retryAfter: after)
            }
        }
    }

    private static func success(_ cut: SecretMembers.Cut, _ json: JSONValue?, now: Timestamp) -> RefreshAnswer {
        guard let json, let token = cut.secrets["access_token"], !token.isEmpty else {
            return .malformed("the token endpoint answered 200 without an access token")
        }
        let seconds = json["expires_in"]?.integer ?? json["expires_in"]?.text.flatMap { Int64($0) } ?? lifetime
        let scopes = json["scope"]?.text.map { $0.split(separator: " ").map(String.init) }
        let access = AccessToken(secret: token, expiresAt: now + .seconds(max(0, seconds)), scopes: scopes)
        return .token(access, refreshToken: cut.secrets["refresh_token"].flatMap { $0.isEmpty ? nil : $0 })
    }

    private static func refusal(_ status: Int, _ json: JSONValue?, retryAfter: Duration?) -> RefreshAnswer {
        guard let error = json?["error"]?.text else {
            return status == 403
                ? .unavailable("the token endpoint answered 403 without a reason", retryAfter: retryAfter)
                : .misconfigured(
                    "the token endpoint answered \(status) without a reason; see credentials.store.token_url")
        }
        // Its words may repeat what it was sent, the refresh token or the client's secret.
        let known = codes.contains(error) ? error : Redaction.hidingOpaqueWords(error)
        let words = json?["error_description"]?.text.map { "\(known): \(Redaction.hidingOpaqueWords($0))" } ?? known
        let detail = DetailText.scrubbed("the token endpoint answered \(words)")
        switch error {
        case "invalid_grant":
            let subtype = json?["error_subtype"]?.text ?? ""
            return ["invalid_rapt", "rapt_required"].contains(subtype) ? .reauthRequired(detail) : .revoked(detail)
        case "invalid_scope": return .scopeMissing(detail)
        case "access_denied", "admin_policy_enforced", "org_internal": return .accountBlocked(detail)
        case "temporarily_unavailable", "server_error", "slow_down": return .unavailable(detail, retryAfter: retryAfter)
        default:
            // invalid_client, unauthorized_client, deleted_client, unsupported_grant_type, invalid_request, and what is
            // new: nobody's grant is lost by it.
            return .misconfigured("\(detail); see credentials.store.client_id and client_secret_file")
        }
    }
}
