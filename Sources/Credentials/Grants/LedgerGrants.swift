package import Clocks
package import Jobs
package import Ledger
package import Secrets

/// The grants in the ledger that daemons share: sealed here, so that the database sees no secret. What one of them has
/// refreshed the others take, so that each grant is refreshed once for all of them.
package struct LedgerGrants: Sendable {
    let rows: any SealedGrants
    let key: SealingKey
    let durations: LeaseDurations
    let clock: any TimeSource
    /// Whether an access token that another process has got is taken.
    let sharesTokens: Bool
    private let line: RefreshLine

    /// With less left, an access token of another daemon is not worth taking.
    static let leastLeft = TokenCache.Configuration().least
    /// A refresh takes a second; a job that would have to wait for longer waits where it keeps nobody from working.
    private static let longestWait = Duration.seconds(5)
    /// Nothing tells of another daemon's refresh but the row.
    private static let looks: (first: Duration, longest: Duration) = (.milliseconds(50), .milliseconds(500))
    private static let listed = 500

    /// - Parameter perSecond: refreshes of all who share the ledger together.
    package init(
        _ rows: any SealedGrants, key: SealingKey, durations: LeaseDurations, sharesTokens: Bool = true,
        perSecond: Int = TokenCache.Configuration().refreshesPerSecond, clock: any TimeSource = SystemTimeSource()
    ) {
        self.init(
            rows, key: key, durations: durations, sharesTokens: sharesTokens, clock: clock,
            line: RefreshLine(rows, perSecond: perSecond, clock: clock))
    }

    private init(
        _ rows: any SealedGrants, key: SealingKey, durations: LeaseDurations, sharesTokens: Bool,
        clock: any TimeSource, line: RefreshLine
    ) {
        self.rows = rows
        self.key = key
        self.durations = durations
        self.sharesTokens = sharesTokens
        self.clock = clock
        self.line = line
    }

    // MARK: Sealing

    func seal(_ grant: Grant) -> [UInt8] { key.seal(grant.packed, context: grant.account.utf8) }

    func open(_ row: SealedGrant) throws(GrantStoreError) -> Grant {
        let whose = "the grant of an account at \(rows.place)"
        guard let packed = key.open(row.sealed, context: row.account.utf8) else {
            throw GrantStoreError(
                description:
                    "\(whose) cannot be opened: it was sealed with another key than credentials.store.key_file "
                    + "has, or was changed")
        }
        guard let grant = Grant(packed: packed, account: row.account) else {
            throw GrantStoreError(description: "\(whose) was sealed by a newer leave-albumd")
        }
        return grant
    }

    /// Another context than the grant's: neither can be put in the place of the other.
    private static func accessContext(_ account: AccountID) -> [UInt8] { Array("access ".utf8) + account.utf8 }

    /// Nil for a token of which nobody knows how long it is good for.
    func seal(_ access: AccessToken, of account: AccountID) -> SealedAccess? {
        guard let expires = access.expiresAt else { return nil }
        return SealedAccess(
            sealed: key.seal(access.packed, context: Self.accessContext(account)), timeLeft: expires - clock.wall())
    }

    /// An access token that cannot be opened is none: the grant says what is wrong, if anything is.
    func access(of row: SealedGrant) -> AccessToken? {
        guard let access = row.access,
            let packed = key.open(access.sealed, context: Self.accessContext(row.account))
        else { return nil }
        return AccessToken(packed: packed, expiresAt: clock.wall() + access.timeLeft)
    }
}

/// What an operator does with the grants.
extension LedgerGrants: GrantStoring {
    package var place: String { rows.place }

    /// `leave-albumd ledger declare` has made all.
    package func prepare() throws(GrantStoreError) {}

    package func load(_ account: AccountID) async throws(GrantStoreError) -> Grant? {
        guard let row = try await asked({ () async throws(LedgerError) in try await rows.find(account) }) else {
            return nil
        }
        return try open(row)
    }

    package func put(_ grant: Grant) async throws(GrantStoreError) {
        var next = grant
        // What cannot be opened any more may be replaced all the same.
        let former = try await asked { () async throws(LedgerError) in try await rows.find(grant.account) }
        next.generation = (former.flatMap { try? open($0) }?.generation ?? 0) + 1
        let sealed = seal(next)
        try await asked { () async throws(LedgerError) in try await rows.replace(grant.account, with: sealed) }
    }

    /// Each is durable by itself.
    package func sync() async throws(GrantStoreError) {}

    /// Puts it where there is none; false if there is one, which may be newer.
    package func add(_ grant: Grant) async throws(GrantStoreError) -> Bool {
        let sealed = seal(grant)
        return try await asked { () async throws(LedgerError) in try await rows.add(grant.account, sealed) }
    }

    package func remove(_ account: AccountID) async throws(GrantStoreError) -> Bool {
        try await asked { () async throws(LedgerError) in try await rows.remove(account) }
    }

    package func list(_ body: (Result<Grant, GrantStoreError>) throws -> Void) async throws {
        var last: AccountID?
        while true {
            let after = last
            let page = try await asked { () async throws(LedgerError) in
                try await rows.list(after: after, limit: Self.listed)
            }
            for row in page {
                let grant: Result<Grant, GrantStoreError>
                do throws(GrantStoreError) { grant = .success(try open(row)) } catch { grant = .failure(error) }
                try body(grant)
            }
            guard page.count == Self.listed, let next = page.last else { return }
            last = next.account
        }
    }

    package func under(key: SealingKey) -> any GrantStoring {
        LedgerGrants(
            rows, key: key, durations: durations, sharesTokens: sharesTokens, clock: clock, line: line)
    }

    package func reseal(_ account: AccountID, with key: SealingKey) async throws(GrantStoreError) {
        while true {
            guard let row = try await asked({ () async throws(LedgerError) in try await rows.find(account) }) else {
                return
            }
            let sealed = key.seal(try open(row).packed, context: account.utf8)
            let isDone = try await asked { () async throws(LedgerError) in
                try await rows.reseal(account, version: row.version, as: sealed)
            }
            if isDone { return }
        }
    }

    package func count() async throws(GrantStoreError) -> Int {
        try await asked { () async throws(LedgerError) in try await rows.count() }
    }

    // MARK: Refreshing

    package func waitForPlace() async throws(GrantStoreError) {
        do throws(LedgerError) {
            try await line.wait()
        } catch {
            throw GrantStoreError(error)
        }
    }

    package func begin(
        _ account: AccountID, unlike unwanted: Set<SHA256Digest>
    ) async throws(GrantStoreError) -> RefreshStart {
        let deadline = clock.now() + Self.longestWait
        var pause = Self.looks.first
        while true {
            guard let row = try await asked({ () async throws(LedgerError) in try await rows.find(account) }) else {
                return .notFound
            }
            let grant = try open(row)
            guard grant.status == .active else { return .ended(grant) }
            if sharesTokens, let token = access(of: row), let left = row.access?.timeLeft, left > Self.leastLeft,
                !unwanted.contains(token.secret.sha256)
            {
                return .token(token)
            }
            guard let rest = row.leaseLeft else {
                return .turn(LedgerTurn(self, row, grant))
            }
            guard clock.now() < deadline, !Task.isCancelled else {
                return .busy("another daemon has asked the token endpoint for the account's token", retryAfter: rest)
            }
            await clock.sleep(for: min(pause, rest))
            pause = min(pause * 2, Self.looks.longest)
        }
    }

    func asked<Answer>(
        _ body: () async throws(LedgerError) -> Answer
    ) async throws(GrantStoreError) -> Answer {
        do throws(LedgerError) {
            return try await body()
        } catch {
            throw GrantStoreError(error)
        }
    }
}

extension GrantStoreError {
    init(_ error: LedgerError) {
        let mayPass =
            switch error {
            case .unavailable, .closed: true
            case .unusable: false
            }
        self.init(description: error.description, mayPass: mayPass)
    }
}
