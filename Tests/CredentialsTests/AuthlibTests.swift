import Clocks
import Concurrency
import Credentials
import Foundation
import Glibc
import HTTP
import JSON
import Jobs
import PrivateBroker
import Secrets
import Testing

/// Against an authorization server that is not ours.
@Suite(.timeLimit(.minutes(30))) struct AuthlibTests {
    @Test func aRotatingGrantIsRefreshedAndARevokedOneIsKnown() async throws {
        let directory = try TemporaryDirectory("authlib")
        try directory.write("server.py", AuthlibServer.program)
        let port = freePort()
        let server = try ChildProcess(
            ["/usr/bin/python3", directory.file("server.py").path, "\(port)"],
            environment: ["AUTHLIB_INSECURE_TRANSPORT": "1"], output: directory.file("out"))
        for _ in 0..<10_000 where !listens(port) { try await Task.sleep(for: .milliseconds(20)) }
        let engine = try HTTPEngine(HTTPConfiguration())
        func get(_ path: String) async -> JSONValue? {
            guard
                case .answered(let response) = await engine.send(
                    HTTPRequest(.get, url: "http://127.0.0.1:\(port)\(path)"))
            else { return nil }
            return try? JSONValue.parse(response.body)
        }
        let folder = GrantFolder()
        let store = GrantStore(directory: folder.path, key: try #require(SealingKey(SealingKey.generate())))
        let password = Lock("hush")
        func credentials() -> StoreCredentials {
            StoreCredentials(
                store: store,
                endpoint: TokenEndpoint(
                    engine: engine, url: "http://127.0.0.1:\(port)/token",
                    clientSecret: { secret(password.withLock { $0 }) }, clock: SystemTimeSource()))
        }
        let anna = AccountID("anna")
        #expect(await get("/grant/anna")?["ok"]?.bool == true, "\(server.text)")
        try store.save(
            Grant(
                account: anna, clientID: "the-client", refreshToken: secret("first-anna"),
                updatedAt: Timestamp(milliseconds: 0)))
        for number in 1...3 {
            // Another process each time: only the file tells it what the last one was given.
            guard case .token(let token) = await credentials().token(for: anna, rejecting: nil) else {
                Issue.record("a token: \(server.text)")
                break
            }
            #expect(token.scopes == nil || !token.lacksSharingScope)
            #expect(await get("/count")?["refreshes"]?.integer == Int64(number))
        }
        password.withLock { $0 = "wrong" }
        guard case .misconfigured = await credentials().token(for: anna, rejecting: nil) else {
            Issue.record("the client's secret is wrong, and nobody's grant is lost by it")
            return
        }
        password.withLock { $0 = "hush" }
        _ = await get("/revoke/anna")
        guard case .grantRevoked = await credentials().token(for: anna, rejecting: nil) else {
            Issue.record("it was revoked")
            return
        }
        #expect(try store.load(anna)?.status == .revoked)
        server.signal(SIGTERM)
        _ = await server.wait()
        await NativeThread.offload("end") { engine.stop() }
    }
}
