import Clocks
import Concurrency
import Credentials
import HTTP
import JSON
import Jobs
import Ledger
import LedgerDatabase
import PostgresLedger
import PrivateDatabase
import RunningSimulator
import Secrets
import Testing

/// Where a host may be killed in a refresh, as far as the ledger sees it.
enum KillPoint: CaseIterable {
    case beforeLease
    case afterLease
    /// The token endpoint has answered.
    case beforeWrite
    case afterWrite
}

/// A host's view of the table, which ends at a point for good, as a killed process does; or refuses for a while.
final class CutGrants: SealedGrants {
    private let table: GrantTable
    private let killedAt: KillPoint?
    private let state = Lock<State>(State())

    private struct State {
        var isDead = false
        var refusedSaves = 0
        var slowLease = Duration.zero
        var beforeSave: (@Sendable () async throws -> Void)?
    }

    let died = AsyncSignal()

    init(_ table: GrantTable, killedAt: KillPoint? = nil) {
        self.table = table
        self.killedAt = killedAt
    }

    func refuseSaves(_ count: Int) { state.withLock { $0.refusedSaves = count } }
    func slowLeases(by time: Duration) { state.withLock { $0.slowLease = time } }
    /// What another does once the endpoint has answered, and before that is written.
    func beforeSave(_ act: @escaping @Sendable () async throws -> Void) { state.withLock { $0.beforeSave = act } }

    private static let gone = LedgerError.unavailable("the host is dead")

    private func pass(_ point: KillPoint) throws(LedgerError) {
        let isDead = state.withLock { state in
            if killedAt == point { state.isDead = true }
            return state.isDead
        }
        if isDead {
            died.signal()
            throw Self.gone
        }
    }

    private func live() throws(LedgerError) {
        if state.withLock({ $0.isDead }) { throw Self.gone }
    }

    var place: String { table.place }

    func find(_ account: AccountID) async throws(LedgerError) -> SealedGrant? {
        try live()
        return try await table.find(account)
    }

    func lease(
        _ account: AccountID, version: Int64, fence: Int64, for time: Duration
    ) async throws(LedgerError) -> GrantLease? {
        try pass(.beforeLease)
        let lease = try await table.lease(account, version: version, fence: fence, for: time)
        let slow = state.withLock { $0.slowLease }
        if slow > .zero { try? await Task.sleep(for: slow) }
        try pass(.afterLease)
        return lease
    }

    func renew(_ account: AccountID, fence: Int64, for time: Duration) async throws(LedgerError) -> Bool {
        try live()
        return try await table.renew(account, fence: fence, for: time)
    }

    func save(_ refreshed: RefreshedGrant) async throws(LedgerError) -> Bool {
        try pass(.beforeWrite)
        if let act = state.withLock({ $0.beforeSave.take() }) {
            do { try await act() } catch { throw .unavailable("\(error)") }
        }
        let isRefused = state.withLock { state in
            state.refusedSaves -= 1
            return state.refusedSaves >= 0
        }
        if isRefused { throw LedgerError.unavailable("the database is away") }
        let isSaved = try await table.save(refreshed)
        try pass(.afterWrite)
        return isSaved
    }

    func release(_ account: AccountID, fence: Int64) async throws(LedgerError) {
        try live()
        try await table.release(account, fence: fence)
    }

    func replace(_ account: AccountID, with sealed: [UInt8]) async throws(LedgerError) {
        try await table.replace(account, with: sealed)
    }

    func add(_ account: AccountID, _ sealed: [UInt8]) async throws(LedgerError) -> Bool {
        try await table.add(account, sealed)
    }

    func reseal(_ account: AccountID, version: Int64, as sealed: [UInt8]) async throws(LedgerError) -> Bool {
        try await table.reseal(account, version: version, as: sealed)
    }

    func remove(_ account: AccountID) async throws(LedgerError) -> Bool { try await table.remove(account) }

    func list(after account: AccountID?, limit: Int) async throws(LedgerError) -> [SealedGrant] {
        try await table.list(after: account, limit: limit)
    }

    func count() async throws(LedgerError) -> Int { try await table.count() }

    func takePlace(every interval: Duration) async throws(LedgerError) -> Duration {
        try live()
        return try await table.takePlace(every: interval)
    }
}

/// One daemon's credentials over the database.
struct Host {
    let rows: CutGrants
    let grants: LedgerGrants
    let credentials: StoreCredentials
    let lost: Counted

    func token(_ account: String, rejecting rejected: SHA256Digest? = nil) async -> String {
        let answer = await credentials.token(for: AccountID(account), rejecting: rejected)
        guard case .token(let token) = answer else { return "\(answer)" }
        return token.secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// The same, asked again while it cannot be had: a lease is waited for, and on a busy machine another host too.
    func tokenAtLast(_ account: String, rejecting rejected: SHA256Digest? = nil) async -> String {
        var answer = await token(account, rejecting: rejected)
        while answer.hasPrefix("unavailable") { answer = await token(account, rejecting: rejected) }
        return answer
    }
}

final class Counted: Sendable {
    private let count = Lock(0)
    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
}

/// A database, and a token endpoint that ends a whole family when a refresh token is used twice.
struct GrantsHarness {
    let server: PrivateDatabase
    let database: String
    let simulator: RunningSimulator
    let key: SealingKey

    /// No lease ends by itself while a test runs, however busy the machine is.
    static let durations = LeaseDurations(
        sendWindow: .seconds(200), callTimeout: .seconds(100), grace: .seconds(1))
    /// Of a host whose lease is waited out: still long enough for two busy cores.
    static let brief = LeaseDurations(sendWindow: .seconds(4), callTimeout: .seconds(1), grace: .milliseconds(500))

    static func with(_ body: @Sendable (GrantsHarness) async throws -> Void) async throws {
        try await LedgerServer.shared.with { server in
            let simulator = try await RunningSimulator(["--auto-members"])
            do {
                let database = try await LedgerServer.shared.freshDatabase(on: server)
                let key = try #require(SealingKey(SealingKey.generate()))
                try await body(
                    GrantsHarness(server: server, database: database, simulator: simulator, key: key))
            } catch {
                await simulator.end()
                throw error
            }
            await simulator.end()
        }
    }

    func table() throws -> GrantTable {
        try GrantTable(try LedgerServer.configuration(of: server, database: database))
    }

    func host(
        killedAt point: KillPoint? = nil, durations: LeaseDurations = durations,
        _ adjust: (inout TokenCache.Configuration) -> Void = { _ in }
    ) throws -> Host {
        let lost = Counted()
        var configuration = TokenCache.Configuration()
        configuration.refreshesPerSecond = 1_000
        configuration.waits = []
        configuration.onLostGrant = { lost.add() }
        adjust(&configuration)
        let rows = CutGrants(try table(), killedAt: point)
        let grants = LedgerGrants(rows, key: key, durations: durations, perSecond: 1_000)
        let endpoint = TokenEndpoint(
            engine: simulator.engine, url: "http://127.0.0.1:\(simulator.port)/token",
            clientSecret: { secret("hush") }, clock: SystemTimeSource())
        return Host(
            rows: rows, grants: grants,
            credentials: StoreCredentials(store: grants, endpoint: endpoint, configuration: configuration), lost: lost)
    }

    /// A grant in the ledger and on the server, whose refresh tokens rotate.
    func grant(_ account: String, token: String? = nil) async throws {
        let token = token ?? "rt-\(account)"
        try await host().grants.put(Self.grant(account, token))
        try await simulator.control(
            "grants", #"{"refreshToken":"\#(token)","account":"\#(account)","rotate":true,"strict":true}"#)
    }

    static func grant(_ account: String, _ token: String) -> Grant {
        Grant(
            account: AccountID(account), clientID: "client", refreshToken: secret(token),
            updatedAt: Timestamp(milliseconds: 0))
    }

    func refreshes() async throws -> [JSONValue] {
        try await simulator.journal().filter { $0["method"]?.text == "token" }
    }

    func revokedFamilies() async throws -> Int {
        try await refreshes().count { $0["effect"]?.text == "family revoked" }
    }

    func run(_ sql: String) async throws -> String { try await server.run(sql, database: database) }
}
