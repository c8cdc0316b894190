package import Clocks
package import HTTP
import JSON
package import Secrets

/// What the token endpoint says, RFC 6749, sections 5.1 and 5.2, in the words of the service.
package enum RefreshAnswer: Sendable {
    /// `refreshToken` replaces the old one, and is to be durable before anybody uses the access token.
    case token(AccessToken, refreshToken: Secret?)
    case revoked(String)
    case reauthRequired(String)
    case misconfigured(String)
    case scopeMissing(String)
    case accountBlocked(String)
    case unavailable(String, retryAfter: Duration?)
    /// It was asked, and no whole answer of its own came: the refresh may have been made, or be made yet.
    case unheard(String, retryAfter: Duration?)
    /// A success that cannot be understood: again, and then it is the operator's.
    case malformed(String)

    /// Codes that are as long as a token.
    private static let codes: Set<String> = [
        "admin_policy_enforced", "temporarily_unavailable", "unsupported_grant_type",
    ]

    /// An access token without a lifetime is taken for this.
    private static let usualLifetime: Int64 = 3_600
    /// No service gives one for longer, and no time overflows by it.
    private static let longestLifetime: Int64 = 86_400

    /// Overwrites the tokens in the answer's bytes.
    package init(_ exchange: consuming HTTPExchange, now: Timestamp) {
        switch exchange {
        case .notSent(let fault) where fault.kind == .tooLate:
            self = .unavailable("the token endpoint was not asked: \(fault)", retryAfter: nil)
        case .notSent(let fault):
            self = .unavailable("the token endpoint cannot be reached: \(fault)", retryAfter: nil)
        case .ambiguous(let fault):
            self = .unheard("the token endpoint did not answer: \(fault)", retryAfter: nil)
        case .answered(var response):
            let cut = SecretMembers.cut(["access_token", "refresh_token", "id_token"], from: &response.body)
            // Of what was cut, the beginning may be JSON as well.
            let json = response.bodyIsWhole ? try? JSONValue.parse(cut.rest) : nil
            let after = response.fields.first { $0.name.lowercased() == "retry-after" }
                .flatMap { Int64($0.value) }.map(TokenAnswer.wait)
            switch response.status {
            case 200: self = Self.success(cut, json, now: now)
            // Of somebody between who gave up waiting, or of an endpoint that did.
            case 408, 499, 502, 504:
                self = .unheard("the token endpoint answered \(response.status)", retryAfter: after)
            case 429, 500...:
                self = .unavailable("the token endpoint answered \(response.status)", retryAfter: after)
            default: self = Self.refusal(response.status, json, retryAfter: after)
            }
        }
    }

    // MARK: A success

    /// https://www.rfc-editor.org/rfc/rfc6749#section-5.1. A member that is there is of the type it has there, or the
    /// answer is not understood. Some services write null for what they leave out.
    private static func success(_ cut: SecretMembers.Cut, _ json: JSONValue?, now: Timestamp) -> RefreshAnswer {
        guard let json, json.members != nil, json["error"] == nil, json["access_token"]?.utf8 != nil,
            let token = cut.secrets["access_token"], token.isBearer
        else { return .malformed("the token endpoint answered 200 without an access token") }
        func wrong(_ name: String) -> RefreshAnswer {
            .malformed("the token endpoint answered 200 with a \(name) that is none")
        }
        func written(_ name: String) -> JSONValue? { json[name].flatMap { $0 == .null ? nil : $0 } }
        if let type = written("token_type"), type.text?.lowercased() != "bearer" { return wrong("token_type") }
        let lifetime = written("expires_in").map(seconds(of:)) ?? usualLifetime
        guard let lifetime, lifetime > 0 else { return wrong("expires_in") }
        let scope = written("scope")
        guard scope == nil || scope?.utf8 != nil else { return wrong("scope") }
        let refreshToken = cut.secrets["refresh_token"]
        guard written("refresh_token") == nil || refreshToken != nil else { return wrong("refresh_token") }
        let access = AccessToken(
            secret: token, expiresAt: now + .seconds(min(lifetime, longestLifetime)),
            scopes: scope?.text.map { $0.split(separator: " ").map(String.init) })
        return .token(access, refreshToken: refreshToken.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// A number, or one in a string.
    private static func seconds(of value: JSONValue) -> Int64? {
        switch value {
        case .integer(let number): number
        case .real(let number): Int64(exactly: number.rounded(.down))
        case .string(let digits): Int64(String(decoding: digits, as: UTF8.self))
        case .object, .array, .bool, .null: nil
        }
    }

    // MARK: A refusal

    /// Only what says so is the operator's to mend; whatever else it is, it is first of all this account's.
    private static func refusal(_ status: Int, _ json: JSONValue?, retryAfter: Duration?) -> RefreshAnswer {
        guard let error = json?["error"]?.text else {
            let hint = status == 403 ? "" : "; see credentials.store.token_url"
            return .unavailable("the token endpoint answered \(status) without a reason\(hint)", retryAfter: retryAfter)
        }
        // Its words may repeat what it was sent, the refresh token or the client's secret.
        let known = codes.contains(error) ? error : Redaction.hidingOpaqueText(error)
        let explanation =
            json?["error_description"]?.text.map { "\(known): \(Redaction.hidingOpaqueText($0))" } ?? known
        let detail = DetailText.scrubbed("the token endpoint answered \(explanation)")
        switch error {
        case "invalid_grant":
            let subtype = json?["error_subtype"]?.text ?? ""
            return ["invalid_rapt", "rapt_required"].contains(subtype) ? .reauthRequired(detail) : .revoked(detail)
        case "invalid_scope": return .scopeMissing(detail)
        case "access_denied", "admin_policy_enforced", "org_internal": return .accountBlocked(detail)
        case "invalid_client", "unauthorized_client", "deleted_client", "unsupported_grant_type", "invalid_request":
            // Nobody's grant is lost by it.
            return .misconfigured("\(detail); see credentials.store.client_id and client_secret_file")
        // temporarily_unavailable, server_error, slow_down, internal_failure, rate_limit_exceeded, and what is new.
        default: return .unavailable(detail, retryAfter: retryAfter)
        }
    }
}
