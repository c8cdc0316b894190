import Credentials
import Glibc
import Jobs
import Testing

@Suite struct StaticCredentialsTests {
    @Test func keepsTheProvidersPromises() async throws {
        try await expectConformance { grants in
            let file = try TokenFile(TokenFile.lines(grants))
            return ProviderUnderTest(provider: try StaticCredentials(path: file.path)) {
                try file.replace(TokenFile.lines($0))
            }
        }
    }

    @Test(arguments: ["token-a", "token-a\n", "\n\ntoken-a\r\n\n"])
    func oneTokenServesAllAccounts(content: String) async throws {
        let file = try TokenFile(content)
        let credentials = try StaticCredentials(path: file.path)
        for account in ["ann", "bob"] {
            #expect(text(await credentials.token(for: AccountID(account), rejecting: nil)) == "token-a")
        }
        try file.replace("token-b")
        #expect(text(await credentials.token(for: AccountID("ann"), rejecting: nil)) == "token-a")
        #expect(text(await credentials.token(for: AccountID("ann"), rejecting: digest("token-a"))) == "token-b")
    }

    @Test(
        arguments: [
            ("", nil, "it holds no token"), ("\n\n", nil, "it holds no token"), ("token a", 1, "has a blank"),
            ("token-\u{E9}", 1, "has a blank"), ("one\n\ntwo\n", 3, "a second token without an account"),
            ("ann\ttoken-a\nbob\n", 2, "no tab"), ("ann\t\n", 1, "the token is empty"),
            ("ann\ttoken\ta\n", 1, "has a blank"), ("\ttoken-a\n", 1, "the account is none"),
            ("ann\ttoken-a\nann\ttoken-b\n", 2, "twice"),
            (String(repeating: "a", count: 257) + "\ttoken-a", 1, "the account is none"),
            (#"{"access_token":"token-a","token_type":"Bearer"}"#, nil, "it is JSON"), ("\n {}", nil, "it is JSON"),
            ("{\n\t\"access_token\": \"token-a\"\n}\n", nil, "it is JSON"), (#""token-a""#, nil, "it is JSON"),
            (#"["token-a"]"#, nil, "it is JSON"), ("{\t\"access_token\":\"token-a\"}", nil, "it is JSON"),
            ("ann\t{\"access_token\":\"token-a\"}\n", 1, "it is JSON"),
            ("bob\ttoken-b\nann\t\"token-a\"\n", 2, "it is JSON"), ("\u{feff}{}", 1, "has a blank"),
        ] as [(String, Int?, String)])
    func aMalformedFileNamesItsLine(content: String, line: Int?, problem: String) throws {
        let file = try TokenFile(content)
        let error = #expect(throws: TokenFileError.self) { try StaticCredentials(path: file.path) }
        #expect(error?.line == line)
        #expect(error?.description.hasPrefix(file.path) == true)
        #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("token-a") == false)
    }

    @Test func anAccountMayBeginLikeJSON() async throws {
        let file = try TokenFile("[ann]\ttoken-a\n{bob}\ttoken-b\n")
        let credentials = try StaticCredentials(path: file.path)
        #expect(text(await credentials.token(for: AccountID("[ann]"), rejecting: nil)) == "token-a")
        #expect(text(await credentials.token(for: AccountID("{bob}"), rejecting: nil)) == "token-b")
    }

    @Test func accountsThatAreNotUTF8AreRefused() throws {
        let file = try TokenFile([0xFF] + Array("\ttoken-a\n".utf8))
        #expect(throws: TokenFileError.self) { try StaticCredentials(path: file.path) }
    }

    @Test func aMissingFileIsAnError() throws {
        let file = try TokenFile("token-a")
        file.remove()
        let error = #expect(throws: TokenFileError.self) { try StaticCredentials(path: file.path) }
        #expect(error?.description == "\(file.path): it cannot be read: No such file or directory")
    }

    @Test func aRefusedTokenWithNoOtherIsSaidToBeRejected() async throws {
        let file = try TokenFile("ann\ttoken-a\n")
        let credentials = try StaticCredentials(path: file.path)
        guard case .rejected = await credentials.token(for: AccountID("ann"), rejecting: digest("token-a")) else {
            Issue.record("there is no other token")
            return
        }

        // A file that is being replaced badly costs nothing: what was read before stays in force.
        func isUnavailable() async -> Bool {
            let answer = await credentials.token(for: AccountID("ann"), rejecting: digest("token-a"))
            return if case .unavailable = answer { true } else { false }
        }
        try file.replace("ann\n\t")
        #expect(await isUnavailable())
        file.remove()
        #expect(await isUnavailable())
        #expect(text(await credentials.token(for: AccountID("ann"), rejecting: nil)) == "token-a")
    }

    @Test func anAccountThatLeftTheFileIsNotFoundAfterItsTokenWasRefused() async throws {
        let file = try TokenFile("ann\ttoken-a\nbob\ttoken-b\n")
        let credentials = try StaticCredentials(path: file.path)
        try file.replace("bob\ttoken-b\n")
        guard case .notFound = await credentials.token(for: AccountID("ann"), rejecting: digest("token-a")) else {
            Issue.record("the account is gone")
            return
        }
        #expect(text(await credentials.token(for: AccountID("bob"), rejecting: nil)) == "token-b")
    }

    @Test func warnsAtEveryStartAndOfAFileThatOthersMayRead() throws {
        let file = try TokenFile("token-a")
        #expect(try StaticCredentials(path: file.path).warnings.count == 1)
        for mode: mode_t in [0o640, 0o604] {
            file.setMode(mode)
            let warnings = try StaticCredentials(path: file.path).warnings
            #expect(warnings.count == 2)
            #expect(warnings.last?.contains("chmod 600 \(file.path)") == true)
        }
    }
}
