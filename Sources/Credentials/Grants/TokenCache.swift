import Clocks
import Jobs
import Secrets

/// Where the cache gets an access token from when it has none: it takes time, and it may fail.
protocol TokenSource: Sendable {
    /// A token that is not the one whose digest is `rejected`, or why there is none. `held` is the digest of one that is
    /// known and about to end, or was refused.
    func fetch(
        _ account: AccountID, rejecting rejected: SHA256Digest?, holding held: SHA256Digest?
    ) async -> TokenAnswer
}

/// Access tokens in memory, and never anywhere else.
///
/// One question at a time for an account, whoever asks and however many; it goes on when its first caller is
/// cancelled. A token is renewed before it ends, while it is still given out.
package actor TokenCache {
    package struct Configuration: Sendable {
        /// A token with less than this left is renewed while it is still given out; a little jitter spreads a batch.
        package var ahead = Duration.seconds(300)
        /// With less than this left it is not given out, unless it cannot be renewed.
        package var least = Duration.seconds(60)
        /// How long "revoked" and "not found" are believed without looking again.
        package var negative = Duration.seconds(30)
        /// Of the token endpoint, in all.
        package var refreshesPerSecond = 5
        /// Before a token endpoint that is away is asked again, for whoever waits here. None where the caller waits
        /// itself, and occupies nobody meanwhile.
        package var waits = Self.ordinaryWaits
        package static let ordinaryWaits: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
        /// Told of each grant that was lost with a refresh whose answer was not written. As `onRefresh`.
        package var onLostGrant: @Sendable () -> Void = {}
        /// Told of each answer that did not come from memory. From any thread; must not block.
        package var onRefresh: @Sendable (TokenAnswer) -> Void = { _ in }

        package init() {}
    }

    private struct Entry {
        var token: AccessToken?
        /// When it is to be renewed, jittered.
        var renewAt: Timestamp?
        var refusal: (answer: TokenAnswer, until: MonotonicTime)?
        var flight: Task<TokenAnswer, Never>?
    }

    private let source: any TokenSource
    private let configuration: Configuration
    private let clock: any TimeSource
    private var entries: [AccountID: Entry] = [:]
    private var isStopping = false
    /// Tokens in memory at most: a hundred thousand accounts do not all work in one hour.
    private static let most = 20_000

    init(_ source: any TokenSource, configuration: Configuration, clock: any TimeSource) {
        self.source = source
        self.configuration = configuration
        self.clock = clock
    }

    func token(for account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        let now = clock.wall()
        let entry = entries[account] ?? Entry()
        // Whoever asks with the digest of an older token gets the one that came since.
        if let token = entry.token, !token.isThat(rejected), let expires = token.expiresAt {
            let left = expires - now
            if left > configuration.least {
                if let renewAt = entry.renewAt, renewAt <= now { _ = flight(for: account, rejecting: nil) }
                // Once: each later one would tell the same.
                if token.obtainedAt != nil { entries[account]?.token?.obtainedAt = nil }
                return .token(token)
            }
            let answer = await flight(for: account, rejecting: nil).value
            // Still good for a call, and better than none.
            if case .unavailable = answer, left > .zero { return .token(token) }
            return answer
        }
        if rejected == nil, let refusal = entry.refusal, clock.now() < refusal.until { return refusal.answer }
        return await flight(for: account, rejecting: rejected).value
    }

    /// Cancels what waits for its turn; see `CredentialProvider.stop`.
    func stop() {
        isStopping = true
        for entry in entries.values { entry.flight?.cancel() }
    }

    private func flight(for account: AccountID, rejecting rejected: SHA256Digest?) -> Task<TokenAnswer, Never> {
        if let running = entries[account]?.flight { return running }
        if isStopping { return Task { .stopping } }
        if entries.count >= Self.most { forgetIdle() }
        let task = Task { await self.fetch(account, rejecting: rejected) }
        entries[account, default: Entry()].flight = task
        return task
    }

    private func fetch(_ account: AccountID, rejecting rejected: SHA256Digest?) async -> TokenAnswer {
        let held = entries[account]?.token?.secret.sha256
        var answer = await source.fetch(account, rejecting: rejected, holding: held)
        configuration.onRefresh(answer)
        var entry = entries[account] ?? Entry()
        entry.flight = nil
        entry.refusal = nil
        switch answer {
        case .token(var token):
            token.obtainedAt = clock.now()
            answer = .token(token)
            entry.token = token
            entry.renewAt = token.expiresAt.map { $0 - configuration.ahead * Double.random(in: 0.8...1.2) }
        case .unavailable: break
        // Not this account's: the worker holds, and whoever has mended it tries again at once.
        case .misconfigured: entry.token = nil
        case .notFound, .grantRevoked, .scopeMissing, .reauthRequired, .accountBlocked, .rejected:
            entry.token = nil
            entry.refusal = (answer, clock.now() + configuration.negative)
        }
        entries[account] = entry
        return answer
    }

    /// Forgets accounts that no caller waits for; a later request fetches the token again.
    private func forgetIdle() {
        entries = entries.filter { $0.value.flight != nil }
    }
}
