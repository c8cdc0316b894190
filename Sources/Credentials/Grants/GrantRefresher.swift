import Clocks
import Concurrency
import Jobs
import Secrets

/// Refreshes one account's grant: reads it under its lock, asks the token endpoint, and writes what has changed before
/// it answers.
actor GrantRefresher: TokenSource {
    private let store: GrantStore
    private let endpoint: TokenEndpoint
    private let clock: any TimeSource
    private let rate: RefreshRate
    /// Grants that could not be written: the refresh token in the file is dead, and the living one is only here.
    private var unsaved: [AccountID: Grant] = [:]
    /// Between the tries of an endpoint that is away.
    private let waits: [Duration]
    private static let malformedAnswers = 3

    init(
        store: GrantStore, endpoint: TokenEndpoint, perSecond: Int,
        waits: [Duration] = TokenCache.Configuration.ordinaryWaits, clock: any TimeSource
    ) {
        self.waits = waits
        self.store = store
        self.endpoint = endpoint
        self.clock = clock
        rate = RefreshRate(perSecond: perSecond, clock: clock)
    }

    // MARK: One refresh

    /// The digest says nothing here: each refresh gives a token that never was.
    func fetch(_ account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        let store = self.store
        let locked = await NativeThread.offload("grant") { () -> Result<GrantLock, GrantStoreError> in
            do throws(GrantStoreError) { return .success(try store.lock(account)) } catch { return .failure(error) }
        }
        switch locked {
        // One damaged file is one account's trouble; a wrong key is everybody's, and shows by that.
        case .failure(let error): return .unavailable(error.description, retryAfter: nil)
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
        if let unsavedGrant = unsaved[account], let fault = await save(unsavedGrant) { return fault }
        let grant: Grant
        switch await load(account) {
        // One damaged file is one account's trouble; a wrong key is everybody's, and shows by that.
        case .failure(let error): return .unavailable(error.description, retryAfter: nil)
        case .success(nil): return .notFound
        case .success(let found?): grant = found
        }
        switch grant.status {
        case .active: break
        case .revoked: return .grantRevoked("the user took the grant back on \(grant.updatedAt.rfc3339)")
        case .reauthRequired: return .reauthRequired("the user must sign in again, since \(grant.updatedAt.rfc3339)")
        }
        switch await requestToken(grant) {
        case .token(let token, let refreshToken):
            var next = grant
            if let refreshToken { next.refreshToken = refreshToken }
            if let scopes = token.scopes { next.scopes = scopes }
            if next != grant, let fault = await save(next) { return fault }
            let access = AccessToken(
                secret: token.secret, expiresAt: token.expiresAt, scopes: token.scopes ?? grant.scopes)
            // After the save: a refresh token that came with too small a scope is the newest all the same.
            guard !access.lacksSharingScope else {
                return .scopeMissing("the grant does not have the scope \(AccessToken.sharingScope)")
            }
            return .token(access)
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

    private func requestToken(_ grant: Grant) async -> RefreshAnswer {
        var malformed = 0
        var waits = self.waits[...]
        while true {
            await rate.wait()
            if Task.isCancelled { return .unavailable("the daemon is stopping", retryAfter: nil) }
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

/// At most so many refreshes a second in all: an expired batch must not look like an attack.
actor RefreshRate {
    private let interval: Duration
    private let clock: any TimeSource
    private var next: MonotonicTime?

    init(perSecond: Int, clock: any TimeSource) {
        interval = .seconds(1) / perSecond
        self.clock = clock
    }

    func wait() async {
        let now = clock.now()
        let slot = max(now, next ?? now)
        next = slot + interval
        if slot > now { await clock.sleep(until: slot) }
    }
}
