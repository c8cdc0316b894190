import Clocks
import JSON

/// The token endpoint, `POST /token`: RFC 6749, section 6, and the codes of section 4.1.3, each the name of an account.
/// Faults are drawn like those of the other
/// methods, with the method `token` and the refresh token as token.
struct TokenService: Sendable {
    let service: SimulatedService

    static let path = "/token"

    /// What a refresh token stands for.
    struct Grant: Sendable {
        var account: [UInt8]
        /// Each refresh gives a new refresh token. The old one dies when the new one is used: whoever lost the answer
        /// may ask once more.
        var rotates: Bool
        /// Nobody may ask once more: a refresh token that was used is dead, and using it again ends all that came of the
        /// same grant. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2
        var isStrict = false
        /// The refresh token that this one replaces.
        var previous: [UInt8]?
        var expiresIn: Int64
        var scope: String?
        /// RFC 6749, section 5.2: answered instead of a token.
        var error: String?
        var subtype: String?
    }

    /// Access tokens are `at-<number>`, new refresh tokens `rt-<number>-<account>`.
    func handle(_ request: RequestParser.Request) -> API.Reply {
        let form = Self.form(request.body)
        let token = form["refresh_token"] ?? []
        let now = service.now
        return service.withState { state in
            let grant = state.grants[token]
            var entry = JournalEntry(
                method: "token", account: grant?.account ?? [], token: token, effect: "none", answer: "",
                requestBytes: request.body.count, peer: nil, correlationID: nil, traceparent: nil)
            let fault = state.faults.draw(token: token, account: grant?.account ?? [], method: "token")
            if let fault, !fault.appliesEffect {
                let (reply, name) = API.reply(fault, ordinary: Self.error(503, "temporarily_unavailable", nil))
                entry.answer = name
                service.note(entry, in: &state)
                return reply
            }
            let answer: HTTPAnswer
            if let secrets = state.clientSecrets, !secrets.contains(form["client_secret"] ?? []) {
                answer = Self.error(401, "invalid_client", nil)
            } else if form["grant_type"] == Array("authorization_code".utf8), let code = form["code"] {
                // The code is the account's name, and a verifier has to come with it.
                guard form["code_verifier"]?.count ?? 0 >= 43, form["redirect_uri"] != nil else {
                    return .answer(Self.error(400, "invalid_grant", nil))
                }
                let grant = Grant(account: code, rotates: true, expiresIn: 3_600)
                answer = Self.issue(grant, [], &state, now: now)
                entry.account = code
                entry.effect = "granted"
            } else if form["grant_type"] != Array("refresh_token".utf8) {
                answer = Self.error(400, "unsupported_grant_type", nil)
            } else if let grant, let error = grant.error {
                answer = Self.error(error == "invalid_client" ? 401 : 400, error, grant.subtype)
            } else if let grant {
                answer = Self.issue(grant, token, &state, now: now)
                entry.effect = "refreshed"
            } else {
                if let family = state.usedRefreshTokens[token] {
                    state.grants = state.grants.filter { !($0.value.isStrict && $0.value.account == family) }
                    entry.account = family
                    entry.effect = "family revoked"
                }
                answer = Self.error(400, "invalid_grant", nil)
            }
            entry.answer = String(answer.status)
            defer { service.note(entry, in: &state) }
            guard let fault else { return .answer(answer) }
            let (reply, name) = API.reply(fault, ordinary: answer)
            entry.answer = name
            return reply
        }
    }

    private static func issue(
        _ grant: Grant, _ old: [UInt8], _ state: inout SimulatedService.State, now: Timestamp
    ) -> HTTPAnswer {
        state.issued += 1
        let access = "at-\(state.issued)"
        state.tokens[Array(access.utf8)] = grant.account
        state.expiry[Array(access.utf8)] = now + .seconds(grant.expiresIn)
        var members: [JSONValue.Member] = [
            .init("access_token", .text(access)), .init("expires_in", .integer(grant.expiresIn)),
            .init("token_type", .text("Bearer")),
        ]
        if let scope = grant.scope { members.append(.init("scope", .text(scope))) }
        if grant.rotates {
            let fresh = Array("rt-\(state.issued)-".utf8) + grant.account
            var next = grant
            next.previous = old
            state.grants[fresh] = next
            if grant.isStrict {
                state.grants[old] = nil
                state.usedRefreshTokens[old] = grant.account
            }
            if let previous = grant.previous { state.grants[previous] = nil }
            members.append(.init("refresh_token", .string(fresh)))
        }
        return HTTPAnswer(status: 200, body: JSONValue.object(members).encoded())
    }

    private static func error(_ status: Int, _ error: String, _ subtype: String?) -> HTTPAnswer {
        var members: [JSONValue.Member] = [
            .init("error", .text(error)), .init("error_description", .text("the simulator says \(error)")),
        ]
        if let subtype { members.append(.init("error_subtype", .text(subtype))) }
        return HTTPAnswer(status: status, body: JSONValue.object(members).encoded())
    }

    private static func form(_ body: [UInt8]) -> [String: [UInt8]] {
        var members: [String: [UInt8]] = [:]
        for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            members[String(parts[0])] = PercentEncoding.decode(parts[1].utf8)
        }
        return members
    }
}
