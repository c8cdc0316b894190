import Credentials
import Jobs
import Secrets
import Testing

/// A provider, and the hand that changes what it knows.
struct ProviderUnderTest: Sendable {
    let provider: any CredentialProvider
    /// From now on these are the grants, whatever the provider does to notice.
    let replaceGrants: @Sendable ([(account: String, token: String)]) throws -> Void
}

/// What every provider owes its caller. `make` gives one that knows exactly the grants.
func expectConformance(
    _ make: ([(account: String, token: String)]) throws -> ProviderUnderTest
) async throws {
    let composed = "zo\u{E9}"
    let decomposed = "zoe\u{301}"
    try #require(composed == decomposed && Array(composed.utf8) != Array(decomposed.utf8))

    let subject = try make([("ann", "token-a"), (composed, "token-c"), (decomposed, "token-d")])
    func perform(_ account: String, rejecting token: String? = nil) async -> String? {
        let answer = await subject.provider.token(for: AccountID(account), rejecting: token.map(digest))
        return text(answer)
    }

    // The same answer again and again, also to many at once.
    #expect(await perform("ann") == "token-a")
    #expect(await perform("ann") == "token-a")
    let provider = subject.provider
    await withTaskGroup(of: String?.self) { group in
        for _ in 0..<20 { group.addTask { text(await provider.token(for: AccountID("ann"), rejecting: nil)) } }
        for await token in group { #expect(token == "token-a") }
    }

    // Accounts are bytes: composed and decomposed forms of one name are two.
    #expect(await perform(composed) == "token-c")
    #expect(await perform(decomposed) == "token-d")
    guard case .notFound = await provider.token(for: AccountID("bob"), rejecting: nil) else {
        Issue.record("an unknown account is not found")
        return
    }
    let onlyComposed = try make([(composed, "token-c")])
    guard case .notFound = await onlyComposed.provider.token(for: AccountID(decomposed), rejecting: nil) else {
        Issue.record("one form's token was handed to the other")
        return
    }

    // A refused token is not given again; refusing another one changes nothing.
    #expect(await perform("ann", rejecting: "token-of-yesterday") == "token-a")
    #expect(await perform("ann", rejecting: "token-a") != "token-a")

    // A rotated token is found once the old one was refused, and a refusal that comes late does no harm.
    try subject.replaceGrants([("ann", "token-b"), (composed, "token-c"), (decomposed, "token-d")])
    #expect(await perform("ann", rejecting: "token-a") == "token-b")
    #expect(await perform("ann", rejecting: "token-a") == "token-b")
    #expect(await perform("ann") == "token-b")
    #expect(await perform(composed) == "token-c")

    // No answer's words hold a token.
    for account in ["ann", composed, "bob"] {
        for token in ["token-b", "token-c"] {
            let answer = await provider.token(for: AccountID(account), rejecting: digest(token))
            #expect(!"\(answer)".contains("token-"))
        }
    }
}

func digest(_ token: String) -> SHA256Digest { SHA256Digest(of: Array(token.utf8)) }

/// The token of an answer; nil if it has none.
func text(_ answer: TokenAnswer) -> String? {
    guard case .token(let token) = answer else { return nil }
    return token.secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
}
