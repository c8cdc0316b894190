import Clocks
import Jobs
import Secrets

/// Refreshes one account's grant: has it to itself, asks the token endpoint, and writes what has changed before it
/// answers.
actor GrantRefresher: TokenSource {
    private let store: any GrantRefreshing
    private let endpoint: TokenEndpoint
    private let clock: any TimeSource
    private let rate: RefreshRate
    private let onLostGrant: @Sendable () -> Void
    /// Grants that could not be written: the refresh token in the store is dead, and the living one is only here.
    private var unsaved: [AccountID: Unsaved] = [:]
    /// Between the tries of an endpoint that is away.
    private let waits: [Duration]
    private static let malformedAnswers = 3
    /// More often than that others do not change a grant just when it is to be refreshed.
    private static let mostLooks = 10
    /// Between the tries to write what others may take over when its lease ends.
    private static let saveInterval = Duration.seconds(1)

    private struct Unsaved {
        let turn: any GrantTurn
        let grant: Grant
        let access: AccessToken?
    }

    init(
        store: any GrantRefreshing, endpoint: TokenEndpoint, configuration: TokenCache.Configuration,
        clock: any TimeSource
    ) {
        self.store = store
        self.endpoint = endpoint
        self.clock = clock
        waits = configuration.waits
        onLostGrant = configuration.onLostGrant
        rate = RefreshRate(perSecond: configuration.refreshesPerSecond, clock: clock)
    }

    // MARK: One refresh

    /// Of two tokens it has the digests: neither is an answer, if another daemon has put one of them where all find it.
    func fetch(
        _ account: AccountID, rejecting rejected: SHA256Digest?, holding held: SHA256Digest?
    ) async -> TokenAnswer {
        for _ in 0..<Self.mostLooks {
            if let late = unsaved[account], late.turn.endsByItself, let fault = await saveLate(late) { return fault }
            let start: RefreshStart
            do throws(GrantStoreError) {
                start = try await store.begin(account, unlike: Set([rejected, held].compactMap(\.self)))
            } catch {
                // One damaged grant is one account's trouble; a wrong key is everybody's, and shows by that.
                return .unavailable(error.description, retryAfter: nil)
            }
            switch start {
            case .notFound: return .notFound
            case .ended(let grant): return Self.ended(grant)
            case .token(let token): return Self.usable(token)
            case .busy(let detail, let retryAfter): return .unavailable(detail, retryAfter: retryAfter)
            case .refused(let detail): return .misconfigured(detail)
            case .turn(let turn):
                if let answer = await refreshed(turn) { return answer }
            }
        }
        return .unavailable("the account's grant is changed again and again", retryAfter: nil)
    }

    private static func ended(_ grant: Grant) -> TokenAnswer {
        switch grant.status {
        case .active: .unavailable("the account's grant is being changed", retryAfter: nil)
        case .revoked: .grantRevoked("the user took the grant back on \(grant.updatedAt.rfc3339)")
        case .reauthRequired: .reauthRequired("the user must sign in again, since \(grant.updatedAt.rfc3339)")
        }
    }

    private static func usable(_ token: AccessToken) -> TokenAnswer {
        token.lacksSharingScope
            ? .scopeMissing("the grant does not have the scope \(AccessToken.sharingScope)") : .token(token)
    }

    /// Nil: somebody else has changed the grant, and it is to be looked at again.
    private func refreshed(_ turn: any GrantTurn) async -> TokenAnswer? {
        let account = turn.grant.account
        if let late = unsaved[account], !late.turn.endsByItself {
            // What could not be written before: under the lock of now, and then it is read like any other.
            let fault = await save(late.grant, late.access, turn)
            await turn.end(isHeard: true)
            if case .fault(let answer) = fault { return answer }
            return nil
        }
        let request = await requestToken(turn)
        let answer: TokenAnswer?
        switch request {
        case .moved: answer = nil
        case .fault(let fault): answer = fault
        case .answered(let refresh, let isInDoubt): answer = await outcome(of: refresh, isInDoubt, turn)
        }
        await turn.end(isHeard: request.isHeard && unsaved[account] == nil)
        return answer
    }

    // MARK: Asking

    private enum Request {
        case answered(RefreshAnswer, isInDoubt: Bool)
        case moved
        case fault(TokenAnswer)

        /// A refresh token that was sent and not answered for may be used up.
        var isHeard: Bool {
            switch self {
            case .answered(.unheard, _), .answered(.malformed, _): false
            case .answered, .moved, .fault: true
            }
        }
    }

    private func requestToken(_ turn: any GrantTurn) async -> Request {
        var malformed = 0
        var waits = self.waits[...]
        while true {
            await rate.wait()
            let permission: RefreshPermission
            do throws(GrantStoreError) {
                if !Task.isCancelled { try await store.waitForPlace() }
                if Task.isCancelled { return .fault(.stopping) }
                permission = try await turn.permission()
            } catch {
                return .fault(.unavailable(error.description, retryAfter: nil))
            }
            guard case .ask(let beginsBefore, let isInDoubt) = permission else { return .moved }
            let answer = await endpoint.refresh(turn.grant, beginsBefore: beginsBefore)
            let isFinal: Bool
            switch answer {
            case .malformed:
                malformed += 1
                isFinal = turn.endsByItself || malformed == Self.malformedAnswers
            case .unheard(_, let retryAfter):
                if turn.endsByItself { isFinal = true } else { isFinal = await !waited(retryAfter, &waits) }
            case .unavailable(_, let retryAfter): isFinal = await !waited(retryAfter, &waits)
            case .token, .revoked, .reauthRequired, .misconfigured, .scopeMissing, .accountBlocked: isFinal = true
            }
            if isFinal { return .answered(answer, isInDoubt: isInDoubt) }
        }
    }

    /// False if the next wait is not long enough, or there is none.
    private func waited(_ retryAfter: Duration?, _ waits: inout ArraySlice<Duration>) async -> Bool {
        guard let wait = waits.popFirst(), retryAfter ?? .zero <= wait else { return false }
        await clock.sleep(for: wait)
        return true
    }

    // MARK: What has come

    private func outcome(of answer: RefreshAnswer, _ isInDoubt: Bool, _ turn: any GrantTurn) async -> TokenAnswer? {
        let grant = turn.grant
        switch answer {
        case .token(let token, let refreshToken):
            var next = grant
            if let refreshToken { next.refreshToken = refreshToken }
            if let scopes = token.scopes { next.scopes = scopes }
            let access = AccessToken(
                secret: token.secret, expiresAt: token.expiresAt, scopes: token.scopes ?? grant.scopes)
            // After the save: a refresh token that came with too small a scope is the newest all the same.
            if next != grant || turn.endsByItself {
                return await answered(await save(next, access, turn), Self.usable(access))
            }
            return Self.usable(access)
        case .revoked(let detail):
            // Somebody may have put in a new grant while this one was refused.
            if let now = try? await turn.current(), now.generation != grant.generation { return nil }
            guard isInDoubt else { return await end(turn, .revoked, .grantRevoked(detail)) }
            let answer = await end(
                turn, .reauthRequired,
                .reauthRequired("a refresh of the grant was cut off, and what it brought is lost; \(detail)"))
            if case .reauthRequired = answer { onLostGrant() }
            return answer
        case .reauthRequired(let detail): return await end(turn, .reauthRequired, .reauthRequired(detail))
        case .misconfigured(let detail), .malformed(let detail): return .misconfigured(detail)
        case .scopeMissing(let detail): return .scopeMissing(detail)
        case .accountBlocked(let detail): return .accountBlocked(detail)
        case .unavailable(let detail, let retryAfter), .unheard(let detail, let retryAfter):
            return .unavailable(detail, retryAfter: retryAfter)
        }
    }

    private func end(_ turn: any GrantTurn, _ status: Grant.Status, _ answer: TokenAnswer) async -> TokenAnswer? {
        var ended = turn.grant
        ended.status = status
        return await answered(await save(ended, nil, turn), answer)
    }

    private func answered(_ saved: Saved, _ answer: TokenAnswer) async -> TokenAnswer? {
        switch saved {
        case .done: answer
        case .superseded: nil
        case .fault(let fault): fault
        }
    }

    // MARK: Writing

    private enum Saved {
        case done
        /// Somebody else has written since, and what was to be written is worth nothing.
        case superseded
        case fault(TokenAnswer)
    }

    private func save(_ changed: Grant, _ access: AccessToken?, _ turn: any GrantTurn) async -> Saved {
        var grant = changed
        grant.generation += 1
        grant.updatedAt = clock.wall()
        do throws(GrantStoreError) {
            let isSaved = try await turn.save(grant, access)
            unsaved[grant.account] = nil
            return isSaved ? .done : .superseded
        } catch {
            // Nobody gets a token before its grant is durable: whoever asks next writes it first.
            let isFirst = unsaved[grant.account] == nil
            unsaved[grant.account] = Unsaved(turn: turn, grant: changed, access: access)
            if isFirst, turn.endsByItself { Task { await self.keepSaving(grant.account) } }
            return .fault(.unavailable(error.description, retryAfter: nil))
        }
    }

    private func saveLate(_ late: Unsaved) async -> TokenAnswer? {
        if case .fault(let fault) = await save(late.grant, late.access, late.turn) { return fault }
        return nil
    }

    /// Another daemon takes the grant over at its lease's end, and would use a dead token: so nobody's next question is
    /// waited for.
    private func keepSaving(_ account: AccountID) async {
        while let late = unsaved[account] {
            await clock.sleep(for: Self.saveInterval)
            if unsaved[account] != nil { _ = await saveLate(late) }
        }
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
