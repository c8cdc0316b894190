import Clocks
import JSON
import Jobs
import Secrets

/// What is asked of a token service of the operator's own, and what it answers: the same words over HTTP and over a
/// program's standard streams.
enum OAuthErrorText {
    /// A token with less left is of no use to a call.
    private static let minimumValidity: Int64 = 60

    static func question(_ account: AccountID, rejecting rejected: SHA256Digest?) -> [UInt8] {
        var members: [JSONValue.Member] = [
            .init("version", .integer(1)), .init("account", .string(account.utf8)),
            .init("scopes", .array([.text(AccessToken.sharingScope)])),
            .init("min_validity_seconds", .integer(minimumValidity)),
            .init("request_id", .text(String(UInt64.random(in: 0 ... .max), radix: 16))),
        ]
        if let rejected { members.append(.init("rejected_token_sha256", .text(rejected.hexadecimal))) }
        return JSONValue.object(members).encoded()
    }

    /// Overwrites the token in `bytes`. `who` names the service for people.
    static func token(
        _ bytes: inout [UInt8], of account: AccountID, rejecting rejected: SHA256Digest?, who: String
    ) -> TokenAnswer {
        let cut = SecretMembers.cut(["access_token"], from: &bytes)
        guard let json = try? JSONValue.parse(cut.rest), json.members != nil else {
            return .misconfigured("\(who) answered what is no JSON object")
        }
        guard json["version"]?.integer == 1 else { return .misconfigured("\(who) answered another version than 1") }
        // Another account's token would let another user leave the album.
        guard json["account"]?.utf8 == account.utf8 else {
            return .misconfigured("\(who) answered for another account than it was asked for")
        }
        guard json["access_token"]?.utf8 != nil, let token = cut.secrets["access_token"], token.isBearer else {
            return .misconfigured("\(who) answered without an access token")
        }
        if let type = json["token_type"], type.text?.lowercased() != "bearer" {
            return .misconfigured("\(who) answered a token of another type than Bearer")
        }
        guard let expires = json["expires_at"]?.text.flatMap({ Timestamp(rfc3339: $0) }) else {
            return .misconfigured("\(who) answered without expires_at, like 2026-11-23T19:50:00Z")
        }
        let scopes = json["scopes"]?.elements?.map(\.text)
        guard json["scopes"] == nil || scopes.map({ !$0.contains(nil) }) == true else {
            return .misconfigured("\(who) answered with scopes that are no list of strings")
        }
        guard token.sha256 != rejected else { return .rejected("\(who) has no other token than the refused one") }
        let access = AccessToken(
            secret: token, expiresAt: expires, scopes: scopes?.compactMap(\.self))
        guard !access.lacksSharingScope else {
            return .scopeMissing("the token of \(who) does not have the scope \(AccessToken.sharingScope)")
        }
        return .token(access)
    }
}
