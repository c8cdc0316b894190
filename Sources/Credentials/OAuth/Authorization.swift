package import Clocks
package import HTTP
import JSON
package import Secrets

/// The installed-app flow for one account: RFC 8252 with PKCE, RFC 7636. The user agrees in a browser, which comes back
/// to a loopback address with a code; the code is exchanged for a refresh token.
package struct Authorization: Sendable {
    private let clientID: String
    private let verifier: Secret
    private let state: String
    package let redirectURI: String

    package init(clientID: String, redirectURI: String) {
        self.clientID = clientID
        self.redirectURI = redirectURI
        verifier = Secret(copying: Array(Self.random().utf8))
        state = Self.random()
    }

    /// 43 characters of RFC 7636's set, from 32 random bytes.
    private static func random() -> String {
        SealingKey.generate().withUnsafeBytes { Base64.encoded(Array($0), .url) }
    }

    /// Where the user agrees. `access_type` and `prompt` are the service's way to ask for a refresh token.
    package func url(authorizationEndpoint: String) -> String {
        let challenge = Base64.encoded(verifier.sha256.bytes, .url)
        let members = [
            ("response_type", "code"), ("client_id", clientID), ("redirect_uri", redirectURI),
            ("scope", AccessToken.sharingScope), ("state", state), ("code_challenge", challenge),
            ("code_challenge_method", "S256"), ("access_type", "offline"), ("prompt", "consent"),
        ]
        return authorizationEndpoint + "?"
            + members.map { "\($0)=\(String(decoding: PercentEncoding.encode($1.utf8), as: UTF8.self))" }
            .joined(separator: "&")
    }

    /// The code in what the browser asked for, `/?code=…&state=…`; or why there is none.
    package func code(in target: String) -> Result<Secret, GrantStoreError> {
        var members: [String: [UInt8]] = [:]
        for pair in target.split(separator: "?", maxSplits: 1).dropFirst().first?.split(separator: "&") ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                members[String(parts[0])] = PercentEncoding.decode(
                    parts[1].utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
            }
        }
        guard members["state"] == Array(state.utf8) else {
            return .failure(GrantStoreError(description: "an answer came that does not belong to this question"))
        }
        if let error = members["error"] {
            let word = DetailText.scrubbed(String(decoding: error, as: UTF8.self))
            return .failure(GrantStoreError(description: "the user did not agree: \(word)"))
        }
        guard let code = members["code"], !code.isEmpty else {
            return .failure(GrantStoreError(description: "the answer has no code"))
        }
        return .success(Secret(copying: code))
    }

    /// Exchanges the code. A success without a refresh token is no grant.
    package func exchange(
        _ code: Secret, engine: HTTPEngine, tokenURL: String, clientSecret: Secret?, now: Timestamp
    ) async -> RefreshAnswer {
        var form = Array("grant_type=authorization_code&client_id=".utf8) + PercentEncoding.encode(clientID.utf8)
        form += Array("&redirect_uri=".utf8) + PercentEncoding.encode(redirectURI.utf8)
        if let clientSecret {
            form += Array("&client_secret=".utf8)
            clientSecret.withUnsafeBytes { form += PercentEncoding.encode($0) }
        }
        form += Array("&code_verifier=".utf8)
        verifier.withUnsafeBytes { form += PercentEncoding.encode($0) }
        form += Array("&code=".utf8)
        code.withUnsafeBytes { form += PercentEncoding.encode($0) }
        let body = Secret(copying: form)
        _ = form.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        let request = HTTPRequest(
            .post, url: tokenURL, fields: [HTTPField("Content-Type", "application/x-www-form-urlencoded")], body: body)
        return RefreshAnswer(await engine.send(request), now: now)
    }
}
