import Credentials
import Jobs
import Secrets
import Testing

@Suite struct ProviderChainTests {
    @Test func keepsTheProvidersPromises() async throws {
        try await expectConformance { grants in
            // One provider that knows other accounts only, then one with the grants.
            let first = try TokenFile("nobody\ttoken-n\n")
            let second = try TokenFile(TokenFile.lines(grants))
            let chain = ProviderChain([
                try StaticCredentials(path: first.path), try StaticCredentials(path: second.path),
            ])
            return ProviderUnderTest(provider: chain) { try second.replace(TokenFile.lines($0)) }
        }
    }

    /// Gives one answer to everything.
    private struct Fixed: CredentialProvider {
        let answer: TokenAnswer

        func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer { answer }
    }

    private static let token = TokenAnswer.token(AccessToken(secret: Secret(copying: Array("token-a".utf8))))

    @Test func onlyNotFoundAsksTheNext() async {
        let answers: [TokenAnswer] = [
            .grantRevoked("x"), .scopeMissing("x"), .reauthRequired("x"), .accountBlocked("x"),
            .unavailable("x", retryAfter: .seconds(1)), .misconfigured("x"), Self.token,
        ]
        for answer in answers {
            let chain = ProviderChain([Fixed(answer: .notFound), Fixed(answer: answer), Fixed(answer: Self.token)])
            #expect("\(await chain.token(for: AccountID("ann"), rejecting: nil))" == "\(answer)")
        }
    }

    @Test func theFirstThatKnowsTheAccountWins() async {
        let chain = ProviderChain([Fixed(answer: Self.token), Fixed(answer: .accountBlocked("x"))])
        #expect(text(await chain.token(for: AccountID("ann"), rejecting: nil)) == "token-a")
    }

    @Test func nobodyKnowsTheAccount() async {
        let chain = ProviderChain([Fixed(answer: .notFound), Fixed(answer: .notFound)])
        guard case .notFound = await chain.token(for: AccountID("ann"), rejecting: nil) else {
            Issue.record("not found")
            return
        }
    }
}
