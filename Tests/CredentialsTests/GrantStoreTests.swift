import Clocks
import Concurrency
import Credentials
import Glibc
import Jobs
import Secrets
import Testing

@Suite struct GrantStoreTests {
    private let folder = GrantFolder()

    private func store() throws -> GrantStore {
        GrantStore(directory: folder.path, key: try #require(SealingKey(SealingKey.generate())))
    }

    private func grant(_ account: String, _ token: String = "rt") -> Grant {
        Grant(
            account: AccountID(account), clientID: "client", refreshToken: secret(token), scopes: ["a", "b"],
            generation: 3, updatedAt: Timestamp(milliseconds: 1_000))
    }

    @Test func aGrantComesBackAsItWas() throws {
        let store = try store()
        #expect(try store.load(AccountID("anna")) == nil)
        try store.save(grant("anna", "token\nwith a line"))
        #expect(try store.load(AccountID("anna")) == grant("anna", "token\nwith a line"))
        #expect(try store.remove(AccountID("anna")))
        #expect(try !store.remove(AccountID("anna")))
        #expect(try store.load(AccountID("anna")) == nil)
    }

    @Test func theFileShowsNothingButTheAccountAndIsTheOwnersAlone() throws {
        let store = try store()
        try store.save(grant("anna", "a-very-secret-token"))
        let path = store.path(of: AccountID("anna"))
        #expect(path.hasSuffix(SHA256Digest(of: Array("anna".utf8)).hexadecimal))
        let bytes = try SecretFileContents(path: path).secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        #expect(!bytes.contains("secret") && !bytes.contains("client"))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        // Nothing is left of the way there.
        #expect(folder.names.filter { $0.hasPrefix(".new") } == [])
    }

    @Test func composedAndDecomposedNamesAreTwoAccounts() throws {
        let store = try store()
        try store.save(grant("\u{e9}", "composed"))
        try store.save(grant("e\u{301}", "decomposed"))
        #expect(try store.load(AccountID("\u{e9}"))?.refreshToken == secret("composed"))
        #expect(try store.load(AccountID("e\u{301}"))?.refreshToken == secret("decomposed"))
    }

    @Test func twoWritersOfOneAccountTakeTurns() async throws {
        let store = try store()
        try store.save(grant("anna"))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    await NativeThread.offload("writer") {
                        for _ in 0..<20 {
                            do throws(GrantStoreError) {
                                try store.locked(AccountID("anna")) { () throws(GrantStoreError) in
                                    guard var next = try store.load(AccountID("anna")) else { return }
                                    next.generation += 1
                                    try store.save(next)
                                }
                            } catch {
                                Issue.record("\(error)")
                            }
                        }
                    }
                }
            }
        }
        #expect(try store.load(AccountID("anna"))?.generation == 3 + 160)
    }

    @Test(arguments: ["", "short", String(repeating: "g", count: 64), String(repeating: "a", count: 63)])
    func whatIsNoKeyIsNone(text: String) {
        #expect(SealingKey(secret(text)) == nil)
    }

    @Test func aKeyMayBeWrittenInHexadecimal() throws {
        let hex = String(repeating: "0a", count: 32)
        let written = try #require(SealingKey(secret(hex + "\n")))
        let raw = try #require(SealingKey(Secret(copying: [UInt8](repeating: 10, count: 32))))
        let sealed = written.seal(secret("x"), context: [1])
        #expect(raw.open(sealed, context: [1]) == secret("x"))
        #expect(raw.open(sealed, context: [2]) == nil)
        #expect(raw.open(Array(sealed.dropLast()), context: [1]) == nil)
    }

    @Test func secretsAreCutOutOfJSON() {
        var json = Array(
            #"{"a":{"access_token":"deep"},"access_token" : "top","b":["refresh_token","x"],"refresh_token":"r\\n"}"#
                .utf8)
        let cut = SecretMembers.cut(["access_token", "refresh_token"], from: &json)
        #expect(cut.secrets["access_token"] == secret("top"))
        #expect(cut.secrets["refresh_token"] == nil, "an escaped token is none")
        #expect(
            String(decoding: cut.rest, as: UTF8.self)
                == #"{"a":{"access_token":"deep"},"access_token" : "","b":["refresh_token","x"],"refresh_token":""}"#)
        #expect(!String(decoding: json, as: UTF8.self).contains("top"))
    }
}
