public import Jobs
public import Secrets
public import Threads

/// Access tokens made of the store's grants: refreshed at the token endpoint, kept in memory only.
///
/// One refresh at a time for an account, whoever asks and however many; it goes on when its first caller is cancelled.
/// A rotated refresh token is durable before anybody gets the access token that came with it.
public actor StoreCredentials: CredentialProvider {
    public struct Configuration: Sendable {
        /// A token with less than this left is renewed while it is still given out; a little jitter spreads a batch.
        public var ahead = Duration.seconds(300)
        /// With less than this left it is not given out, unless it cannot be renewed.
        public var least = Duration.seconds(60)
        public var refreshesPerSecond = 5
        /// How long "revoked" and "not found" are believed without looking again.
        public var negative = Duration.seconds(30)

        public init() {}
    }

    private struct Entry {
        var token: AccessToken?
        /// When it is to be renewed, jittered.
        var renewAt: Timestamp?
        var refusal: (answer: TokenAnswer, until: MonotonicTime)?
        var flight: Task<TokenAnswer, Never>?
    }

    private let store: GrantStore
    private let endpoint: TokenEndpoint
    private let configuration: Configuration
    private let clock: any Timekeeper
    private let rate: RefreshRate
    private var entries: [AccountID: Entry] = [:]
    /// Grants that could not be written: the refresh token in the file is dead, and the living one is only here.
    private var unsaved: [AccountID: Grant] = [:]
    /// Tokens in memory at most: a hundred thousand accounts do not all work in one hour.
    private static let most = 20_000
    /// Tries of an endpoint that is away: waits of 1, 2 and 4 s.
    private static let waits: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
    private static let malformedAnswers = 3

    public init(
        store: GrantStore, endpoint: TokenEndpoint, configuration: Configuration = Configuration(),
        clock: any Timekeeper = SystemTimekeeper()
    ) {
        self.store = store
        self.endpoint = endpoint
        self.configuration = configuration
        self.clock = clock
        rate = RefreshRate(perSecond: configuration.refreshesPerSecond, clock: clock)
    }

    public func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        let now = clock.wall()
        let entry = entries[account] ?? Entry()
        // Whoever asks with the digest of an older token gets the one that came since.
        if let token = entry.token, token.secret.sha256 != rejected, let expires = token.expiresAt {
            let left = expires - now
            if left > configuration.least {
                if let renewAt = entry.renewAt, renewAt <= now { _ = flight(for: account) }
                return .token(token)
            }
            let answer = await flight(for: account).value
            // Still good for a call, and better than none.
            if case .unavailable = answer, left > .zero { return .token(token) }
            return answer
        }
        if rejected == nil, let refusal = entry.refusal, clock.now() < refusal.until { return refusal.answer }
        return await flight(for: account).value
    }

    // MARK: One refresh for each account

    private func flight(for account: AccountID) -> Task<TokenAnswer, Never> {
        if let running = entries[account]?.flight { return running }
        if entries.count >= Self.most { forgetIdle() }
        let task = Task { await self.refresh(account) }
        entries[account, default: Entry()].flight = task
        return task
    }

    private func refresh(_ account: AccountID) async -> TokenAnswer {
        let answer = await renewed(account)
        var entry = entries[account] ?? Entry()
        entry.flight = nil
        entry.refusal = nil
        switch answer {
        case .token(let token):
            entry.token = token
            entry.renewAt = token.expiresAt.map { $0 - configuration.ahead * Double.random(in: 0.8...1.2) }
        case .unavailable: break
        case .notFound, .grantRevoked, .scopeMissing, .reauthRequired, .accountBlocked, .rejected, .misconfigured:
            entry.token = nil
            entry.refusal = (answer, clock.now() + configuration.negative)
        }
        entries[account] = entry
        return answer
    }

    /// Forgets what nobody waits for; it is refreshed again when it is asked for.
    private func forgetIdle() {
        entries = entries.filter { $0.value.flight != nil }
    }

    // MARK: One refresh

    private func renewed(_ account: AccountID) async -> TokenAnswer {
        let store = self.store
        let locked = await NativeThread.offload("grant") { () -> Result<GrantLock, GrantStoreError> in
            do throws(GrantStoreError) { return .success(try store.lock(account)) } catch { return .failure(error) }
        }
        switch locked {
        case .failure(let error): return .misconfigured(error.description)
        case .success(let lock):
            let answer = await renewed(account, again: false)
            lock.release()
            return answer
        }
    }

    private func load(_ account: AccountID) async -> Result<Grant?, GrantStoreError> {
        let store = self.store
        return await NativeThread.offload("grant") {
            do throws(GrantStoreError) { return .success(try store.load(account)) } catch { return .failure(error) }
        }
    }

    private func renewed(_ account: AccountID, again: Bool) async -> TokenAnswer {
        if let owed = unsaved[account], let fault = await save(owed) { return fault }
        let grant: Grant
        switch await load(account) {
        case .failure(let error): return .misconfigured(error.description)
        case .success(nil): return .notFound
        case .success(let found?): grant = found
        }
        switch grant.status {
        case .active: break
        case .revoked: return .grantRevoked("the user took the grant back on \(grant.updatedAt.rfc3339)")
        case .reauthRequired: return .reauthRequired("the user must sign in again, since \(grant.updatedAt.rfc3339)")
        }
        switch await ask(grant) {
        case .token(let token, let refreshToken):
            var next = grant
            if let refreshToken { next.refreshToken = refreshToken }
            if let scopes = token.scopes { next.scopes = scopes }
            if next != grant, let fault = await save(next) { return fault }
            return .token(
                AccessToken(secret: token.secret, expiresAt: token.expiresAt, scopes: token.scopes ?? grant.scopes))
        case .revoked(let detail):
            // Somebody may have imported a new grant while this one was refused.
            if !again, case .success(let now?) = await load(account), now.generation != grant.generation {
                return await renewed(account, again: true)
            }
            return await end(grant, .revoked) ?? .grantRevoked(detail)
        case .reauthRequired(let detail): return await end(grant, .reauthRequired) ?? .reauthRequired(detail)
        case .misconfigured(let detail), .malformed(let detail): return .misconfigured(detail)
        case .scopeMissing(let detail): return .scopeMissing(detail)
        case .accountBlocked(let detail): return .accountBlocked(detail)
        case .unavailable(let detail, let retryAfter): return .unavailable(detail, retryAfter: retryAfter)
        }
    }

    private func ask(_ grant: Grant) async -> RefreshAnswer {
        var malformed = 0
        var waits = Self.waits[...]
        while true {
            await rate.wait()
            let answer = await endpoint.refresh(grant)
            switch answer {
            case .malformed:
                malformed += 1
                if malformed == Self.malformedAnswers { return answer }
            case .unavailable(_, let retryAfter):
                guard let wait = waits.popFirst(), retryAfter ?? .zero <= wait else { return answer }
                await clock.sleep(for: wait)
            default: return answer
            }
        }
    }

    private func end(_ grant: Grant, _ status: Grant.Status) async -> TokenAnswer? {
        var ended = grant
        ended.status = status
        return await save(ended)
    }

    private func save(_ changed: Grant) async -> TokenAnswer? {
        var grant = changed
        grant.generation += 1
        grant.updatedAt = clock.wall()
        let (store, saved) = (self.store, grant)
        let fault = await NativeThread.offload("grant") { () -> GrantStoreError? in
            do throws(GrantStoreError) {
                try store.save(saved)
                return nil
            } catch {
                return error
            }
        }
        // Nobody gets a token before its grant is durable: whoever asks next writes it first.
        unsaved[grant.account] = fault == nil ? nil : changed
        return fault.map { .unavailable($0.description, retryAfter: nil) }
    }
}
