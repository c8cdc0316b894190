import Clocks
import Concurrency
import Credentials
import Glibc
import HTTP
import JSON
import Jobs
import RunningSimulator
import Secrets
import Synchronization
import Testing

/// The store's tokens, refreshed at the simulator's token endpoint over real HTTP.
@Suite(.timeLimit(.minutes(30))) struct StoreCredentialsTests {
    private static let key = SealingKey(SealingKey.generate())

    private struct Place {
        let simulator: RunningSimulator
        let folder: GrantFolder
        let store: GrantStore
        let endpoint: TokenEndpoint

        func credentials(_ adjust: (inout TokenCache.Configuration) -> Void = { _ in }) -> StoreCredentials {
            var configuration = TokenCache.Configuration()
            configuration.refreshesPerSecond = 1_000
            adjust(&configuration)
            return StoreCredentials(store: store, endpoint: endpoint, configuration: configuration)
        }

        /// A grant in the store and on the server.
        func grant(_ account: String, _ more: String = "") async throws {
            try store.save(
                Grant(
                    account: AccountID(account), clientID: "client", refreshToken: secret("rt-\(account)"),
                    updatedAt: Timestamp(milliseconds: 0)))
            try await simulator.control("grants", #"{"refreshToken":"rt-\#(account)","account":"\#(account)"\#(more)}"#)
        }

        func refreshes() async throws -> Int {
            try await simulator.journal().filter { $0["method"]?.text == "token" }.count
        }
    }

    private func place(_ body: (Place) async throws -> Void) async throws {
        let simulator = try await RunningSimulator(["--auto-members"])
        let folder = GrantFolder()
        let key = try #require(Self.key)
        let place = Place(
            simulator: simulator, folder: folder, store: GrantStore(directory: folder.path, key: key),
            endpoint: TokenEndpoint(
                engine: simulator.engine, url: "http://127.0.0.1:\(simulator.port)/token",
                clientSecret: { secret("hush") }, clock: SystemTimeSource()))
        do { try await body(place) } catch {
            await simulator.end()
            throw error
        }
        await simulator.end()
    }

    private func text(_ answer: TokenAnswer) -> String {
        guard case .token(let token) = answer else { return "\(answer)" }
        return token.secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test func fiveHundredAskersAreOneRefresh() async throws {
        try await place { place in
            try await place.grant("anna")
            let credentials = place.credentials()
            let answers = await withTaskGroup(of: String.self) { group in
                for _ in 0..<500 {
                    group.addTask { text(await credentials.token(for: AccountID("anna"), rejecting: nil)) }
                }
                return await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers == ["at-1"])
            #expect(try await place.refreshes() == 1)
        }
    }

    /// Without its secret the client would be refused as a stranger, and everybody put on hold for it.
    @Test func aClientsSecretThatCannotBeReadAsksNothing() async throws {
        struct Unreadable: Error, CustomStringConvertible { let description = "client-secret: it cannot be read" }
        try await place { place in
            try await place.grant("anna")
            let endpoint = TokenEndpoint(
                engine: place.simulator.engine, url: "http://127.0.0.1:\(place.simulator.port)/token",
                clientSecret: { throw Unreadable() }, clock: SystemTimeSource())
            let credentials = StoreCredentials(store: place.store, endpoint: endpoint)
            let answer = text(await credentials.token(for: AccountID("anna"), rejecting: nil))
            #expect(answer.hasPrefix("misconfigured") && answer.contains("client-secret: it cannot be read"))
            #expect(try await place.refreshes() == 0)
        }
    }

    /// What the server counts before a refresh that is in time: nothing.
    @Test func aRefreshThatIsTooLateIsNotSent() async throws {
        try await place { place in
            try await place.grant("anna")
            let grant = Grant(
                account: AccountID("anna"), clientID: "client", refreshToken: secret("rt-anna"),
                updatedAt: Timestamp(milliseconds: 0))
            let late = await place.endpoint.refresh(grant, beginsBefore: SystemTimeSource().now())
            guard case .unavailable(let detail, nil) = late else {
                Issue.record("\(late)")
                return
            }
            #expect(detail.contains("not asked") && detail.contains("too_late"))
            #expect(try await place.refreshes() == 0)
            let inTime = await place.endpoint.refresh(grant, beginsBefore: .distantFuture)
            if case .token = inTime {} else { Issue.record("\(inTime)") }
            #expect(try await place.refreshes() == 1)
        }
    }

    @Test func whoeverWaitsForATurnWhenItStopsIsAnsweredAndNobodyIsRefreshed() async throws {
        try await place { place in
            for number in 0..<200 { try await place.grant("a\(number)") }
            // 200 s for all of them.
            let credentials = place.credentials { $0.refreshesPerSecond = 1 }
            let words = await withTaskGroup(of: String.self) { group in
                for number in 0..<200 {
                    group.addTask { await credentials.token(for: AccountID("a\(number)"), rejecting: nil).word }
                }
                let first = await group.next()
                await credentials.stop()
                return await group.reduce(into: [first]) { $0.append($1) }
            }
            let (tokens, others) = (words.filter { $0 == "token" }.count, words.filter { $0 == "unavailable" }.count)
            #expect(words.first == "token" && tokens + others == 200 && others > 0)
            #expect(try await place.refreshes() <= tokens + 1, "one may have been on its way")
            #expect(await credentials.token(for: AccountID("a199"), rejecting: nil).word == "unavailable")
        }
    }

    @Test func eachRefreshIsReportedOnceAndNoAnswerOfTheCacheIs() async throws {
        try await place { place in
            try await place.grant("ann")
            let reported = Lock<[String]>([])
            let credentials = place.credentials {
                $0.onRefresh = { answer in reported.withLock { $0.append(answer.word) } }
            }
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask { _ = await credentials.token(for: AccountID("ann"), rejecting: nil) }
                    group.addTask { _ = await credentials.token(for: AccountID("nobody"), rejecting: nil) }
                }
            }
            #expect(reported.withLock { $0.sorted() } == ["not_found", "token"])
        }
    }

    @Test func aStormOfRefusalsIsOneRefreshForEachAccount() async throws {
        try await place { place in
            for number in 0..<10 { try await place.grant("a\(number)") }
            let credentials = place.credentials()
            var old: [String: SHA256Digest] = [:]
            for number in 0..<10 {
                guard case .token(let token) = await credentials.token(for: AccountID("a\(number)"), rejecting: nil)
                else {
                    Issue.record("there is a token")
                    return
                }
                old["a\(number)"] = token.secret.sha256
            }
            let refused = old
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let name = "a\(number % 10)"
                        let answer = await credentials.token(for: AccountID(name), rejecting: refused[name])
                        guard case .token(let token) = answer else {
                            Issue.record("\(answer)")
                            return
                        }
                        #expect(token.secret.sha256 != refused[name])
                    }
                }
            }
            #expect(try await place.refreshes() == 20)
        }
    }

    @Test func aRevokedGrantCostsOneRefreshAndIsRememberedInItsFile() async throws {
        try await place { place in
            try await place.grant("anna", #","error":"invalid_grant""#)
            for _ in 0..<3 {
                // Another process each time.
                let credentials = place.credentials()
                for _ in 0..<5 {
                    guard case .grantRevoked = await credentials.token(for: AccountID("anna"), rejecting: nil) else {
                        Issue.record("it was revoked")
                        return
                    }
                }
            }
            #expect(try await place.refreshes() == 1)
            #expect(try place.store.load(AccountID("anna"))?.status == .revoked)
        }
    }

    @Test func aRotatedTokenIsInTheFileBeforeAnybodyHasTheAccessToken() async throws {
        try await place { place in
            try await place.grant("anna", #","rotate":true,"expiresIn":1"#)
            let credentials = place.credentials { $0.least = .zero }
            for number in 1...5 {
                #expect(text(await credentials.token(for: AccountID("anna"), rejecting: nil)) == "at-\(number)")
                let grant = try #require(try place.store.load(AccountID("anna")))
                #expect(grant.refreshToken == secret("rt-\(number)-anna"))
                #expect(grant.generation == number)
                try await Task.sleep(for: .milliseconds(1_050))
            }
        }
    }

    @Test func aRefreshTokenThatComesWithTooSmallAScopeIsKept() async throws {
        try await place { place in
            try await place.grant("anna", #","rotate":true,"scope":"openid""#)
            guard case .scopeMissing = await place.credentials().token(for: AccountID("anna"), rejecting: nil) else {
                Issue.record("the scope is missing")
                return
            }
            #expect(try place.store.load(AccountID("anna"))?.refreshToken == secret("rt-1-anna"))
        }
    }

    @Test func aDamagedFileIsItsAccountsTroubleAlone() async throws {
        try await place { place in
            try await place.grant("anna")
            try await place.grant("bert")
            #expect(truncate(place.store.path(of: AccountID("anna")), 40) == 0)
            let credentials = place.credentials()
            guard case .unavailable = await credentials.token(for: AccountID("anna"), rejecting: nil) else {
                Issue.record("it waits until somebody mends it")
                return
            }
            #expect(text(await credentials.token(for: AccountID("bert"), rejecting: nil)) == "at-1")
        }
    }

    @Test func aRotationThatCannotBeWrittenIsGivenToNobodyAndNotForgotten() async throws {
        try await place { place in
            let anna = AccountID("anna")
            try await place.grant("anna", #","rotate":true"#)
            // Root may write anywhere, but nobody can rename over a directory that is not empty.
            let file = place.store.path(of: anna)
            let kept = file + ".kept"
            let isInTheWay = Mutex(false)
            // The client's secret is read after the grant and before the question.
            let endpoint = TokenEndpoint(
                engine: place.simulator.engine, url: "http://127.0.0.1:\(place.simulator.port)/token",
                clientSecret: {
                    isInTheWay.withLock { done in
                        guard !done else { return }
                        done = rename(file, kept) == 0 && mkdir(file, 0o700) == 0 && mkdir(file + "/x", 0o700) == 0
                        #expect(done)
                    }
                    return secret("hush")
                }, clock: SystemTimeSource())
            let credentials = StoreCredentials(store: place.store, endpoint: endpoint)
            #expect(text(await credentials.token(for: AccountID("nobody"), rejecting: nil)) == "notFound")
            guard case .unavailable = await credentials.token(for: anna, rejecting: nil) else {
                Issue.record("no token before its grant is durable")
                return
            }
            #expect(isInTheWay.withLock { $0 })
            #expect(rmdir(file + "/x") == 0 && rmdir(file) == 0 && rename(kept, file) == 0)
            // The new refresh token was used.
            #expect(text(await credentials.token(for: anna, rejecting: nil)) == "at-2")
            #expect(try place.store.load(anna)?.refreshToken == secret("rt-2-anna"))
        }
    }

    @Test func aTokenThatIsStillGoodIsBetterThanNone() async throws {
        try await place { place in
            try await place.grant("anna", #","expiresIn":30"#)
            let credentials = place.credentials()
            #expect(text(await credentials.token(for: AccountID("anna"), rejecting: nil)) == "at-1")
            try await place.simulator.control(
                "faults", #"{"method":"token","actions":[{"status":503}],"fields":{"Retry-After":"60"}}"#)
            #expect(text(await credentials.token(for: AccountID("anna"), rejecting: nil)) == "at-1")
            guard
                case .token(let token) = await credentials.token(for: AccountID("anna"), rejecting: nil),
                case .unavailable(_, let after) = await credentials.token(
                    for: AccountID("anna"), rejecting: token.secret.sha256)
            else {
                Issue.record("a refused token is not given out again")
                return
            }
            #expect(after == .seconds(60))
        }
    }

    @Test(arguments: [
        (#","error":"invalid_grant","errorSubtype":"invalid_rapt""#, "reauthRequired"),
        (#","error":"invalid_client""#, "misconfigured"), (#","error":"unauthorized_client""#, "misconfigured"),
        (#","error":"deleted_client""#, "misconfigured"), (#","error":"unsupported_grant_type""#, "misconfigured"),
        (#","error":"invalid_request""#, "misconfigured"), (#","error":"invalid_scope""#, "scopeMissing"),
        (#","scope":"https://www.googleapis.com/auth/photoslibrary.readonly""#, "scopeMissing"),
        (#","error":"access_denied""#, "accountBlocked"), (#","error":"admin_policy_enforced""#, "accountBlocked"),
        (#","error":"org_internal""#, "accountBlocked"),
        (#","scope":"openid https://www.googleapis.com/auth/photoslibrary.sharing""#, "at-1"),
    ])
    func everyErrorOfTheTable(grant: String, answer: String) async throws {
        try await place { place in
            try await place.grant("anna", grant)
            let reported = text(await place.credentials().token(for: AccountID("anna"), rejecting: nil))
            #expect(reported.hasPrefix(answer), "\(reported)")
            #expect(!reported.contains("rt-anna") && !reported.contains("hush"))
        }
    }

    @Test(arguments: [
        (#"{"status":200,"body":"{}"}"#, "misconfigured", 3), (#"{"status":200,"body":"<html>"}"#, "misconfigured", 3),
        (#"{"status":403,"body":"<html>"}"#, "unavailable", 1), (#"{"status":429}"#, "unavailable", 1),
        (#"{"fault":"close"}"#, "unavailable", 1),
    ])
    func whatIsNoAnswer(action: String, answer: String, refreshes: Int) async throws {
        try await place { place in
            try await place.grant("anna")
            // A server that asks for patience is not asked again at once.
            try await place.simulator.control(
                "faults", #"{"method":"token","actions":[\#(action)],"fields":{"Retry-After":"60"}}"#)
            let reported = text(await place.credentials().token(for: AccountID("anna"), rejecting: nil))
            #expect(reported.hasPrefix(answer), "\(reported)")
            let asked = try await place.refreshes()
            #expect(action.contains("fault") ? asked >= 1 : asked == refreshes)
        }
    }

    @Test func aFolderOfAnotherKeyOrAChangedFileIsReported() async throws {
        try await place { place in
            try await place.grant("anna")
            let other = try #require(SealingKey(SealingKey.generate()))
            #expect(throws: GrantStoreError.self) {
                try GrantStore(directory: place.folder.path, key: other).load(AccountID("anna"))
            }
            // Another account's file in its place.
            try await place.grant("bert")
            #expect(rename(place.store.path(of: AccountID("bert")), place.store.path(of: AccountID("anna"))) == 0)
            #expect(throws: GrantStoreError.self) { try place.store.load(AccountID("anna")) }
        }
    }
}
