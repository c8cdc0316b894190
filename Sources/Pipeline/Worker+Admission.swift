import AMQP
import Credentials
import Jobs
import Ledger
import Messages
import Photos
import Secrets
import Threads

/// What admission says of a job.
enum Admission: Sendable {
    case proceed(AccessToken)
    case end(Ending)
    /// A short wait, in hand.
    case wait(until: MonotonicTime)
    /// The same for a token that could not be had, which is asked for again.
    case waitForToken(until: MonotonicTime)
    case park(until: Timestamp, cause: String)
    /// The same copy comes again later: nothing was decided of it.
    case stepAside(until: Timestamp, StepAside)
    /// There is no other token than the one that the API refused.
    case refused
}

extension Worker {
    /// Of the minute that a delivery may be in hand, some seconds are for the turn that comes after the wait.
    private static let longestEarlyWait = Duration.seconds(50)
    /// A token service that is away is asked again after these, in hand, where nobody is kept from calling by it.
    private static let tokenWaits: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
    /// And then after this, at no attempt's cost.
    private static let unavailableCredential = Duration.seconds(30)

    func admit(_ hand: JobInHand, mustPark: Bool) async -> Admission {
        let now = clock.wall()
        if hand.item.lane == .broken {
            let reason = Intake.deathReason(hand.item.message.properties.headers)
            return .end(.failed(reason, detail: Self.brokenDetail(reason), nil))
        }
        if hand.item.stamp.suspect >= Intake.suspectsToPoison {
            let detail = "the worker died \(Intake.suspectsToPoison) times with this job alone in hand"
            return .end(.failed(.poison, detail: detail, nil))
        }
        if let ending = pastDeadline(hand, at: now) { return .end(ending) }
        if hand.progress.attempts >= configuration.maxAttempts {
            return .end(.failed(.attemptsExhausted, detail: "all \(hand.progress.attempts) attempts failed", nil))
        }
        if let first = hand.progress.firstCallAt,
            now - first - holdLog.held(from: first, to: now) > configuration.maxAge
        {
            return .end(.failed(.attemptsExhausted, detail: "it is older than retry.max_age", nil))
        }
        if hand.isInTheWay { return .stepAside(until: now + dispatcher.awayTime, .hold) }
        if let notBefore = hand.item.stamp.notBefore, notBefore > now {
            return early(until: notBefore, hasWaited: mustPark, at: now)
        }
        if mustPark, let opens = dispatcher.bulkOpens(for: hand.item) {
            return waitForShare(until: now + opens, at: now)
        }
        if mustPark {
            let wait = dispatcher.turnAside(hand.job.account, promised: hand.item.stamp.turn.map { $0 - now })
            return .stepAside(until: now + wait, .turn)
        }
        return await budgeted(hand, at: now)
    }

    /// It came before its time, because the delay queues are shorter than its wait or do not divide it. The rest is
    /// waited for in hand, or, if it is long, in the next of them.
    private func early(until notBefore: Timestamp, hasWaited: Bool, at now: Timestamp) -> Admission {
        let wait = notBefore - now
        let isLong = wait > (hasWaited ? RetrySchedule.longestWaitInHand : Self.longestEarlyWait)
        // Where no queue is short enough it would be back at once, so that it goes only when it cannot stay.
        guard isLong, hasWaited || schedule.queue(for: wait) != nil else { return .wait(until: clock.now() + wait) }
        return .stepAside(until: notBefore, .early)
    }

    /// The end of a job whose deadline is over; nil for any other.
    func pastDeadline(_ hand: JobInHand, at now: Timestamp) -> Ending? {
        guard let deadline = hand.job.deadline, deadline < now else { return nil }
        return .failed(.deadlineExceeded, detail: "its deadline passed before a call could begin", nil)
    }

    /// Whether the day has a call left for it.
    private func budgeted(_ hand: JobInHand, at now: Timestamp) async -> Admission {
        let isBulk = hand.item.originLane == .bulk
        do throws(LedgerError) {
            switch try await budget.permission(isBulk: isBulk, at: now, ledger: ledger) {
            case .granted: return await token(hand, rejecting: nil, now: now)
            case .later(let time):
                dispatcher.closeBulk(for: time - now)
                return waitForShare(until: time, at: now)
            case .spent(let end):
                dispatcher.hold(
                    .quotaDay, detail: "this daemon's share of the day's quota is spent", atLeast: end - now,
                    by: hand.isProbe ? hand.call : nil)
                return .wait(until: clock.now())
            }
        } catch {
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return .wait(until: clock.now() + Self.ledgerRetry)
        }
    }

    private func waitForShare(until time: Timestamp, at now: Timestamp) -> Admission {
        .stepAside(until: budget.reserve(from: time, at: now), .share)
    }

    private static func brokenDetail(_ reason: Reason) -> String {
        reason == .expired
            ? "the message expired in the broker; publishers use deadline, not expiration"
            : "the broker gave it up: it was delivered too often without an answer"
    }

    private func token(_ hand: JobInHand, rejecting rejected: SHA256Digest?, now: Timestamp) async -> Admission {
        func dead(_ reason: Reason, _ detail: String) -> Admission { .end(.failed(reason, detail: detail, nil)) }
        let call = Gate.Call(
            job: hand.jobID, account: hand.job.account, began: clock.now(), isProbe: hand.isProbe)
        switch await credentials.token(for: hand.job.account, rejecting: rejected).hiding(hand.job.account) {
        case .token(let token):
            if let time = token.obtainedAt { dispatcher.tokenCame(call, at: time) }
            return .proceed(token)
        case .notFound: return dead(.credentialNotFound, "no provider has a token for the account")
        case .grantRevoked(let detail): return dead(.grantRevoked, detail)
        case .scopeMissing(let detail): return dead(.scopeMissing, detail)
        case .reauthRequired(let detail): return dead(.reauthRequired, detail)
        case .accountBlocked(let detail): return dead(.accountBlocked, detail)
        case .rejected(let detail):
            // Said of a token that was asked for without a refusal, it is the provider's own trouble.
            return rejected == nil
                ? .park(until: now + Self.unavailableCredential, cause: "credentials: \(detail)") : .refused
        case .unavailable where dispatcher.isClosed: return .wait(until: clock.now())
        case .unavailable(let detail, let retryAfter):
            // After a refused call it is not so soon asked for again: that would be one more call each time.
            if rejected == nil, !hand.isProbe, hand.item.tokenTries < Self.tokenWaits.count {
                let wait = Self.tokenWaits[hand.item.tokenTries]
                if retryAfter ?? .zero <= wait { return .waitForToken(until: clock.now() + wait) }
            }
            return withoutToken(call, isMisconfigured: false, detail, retryAfter, now: now)
        case .misconfigured(let detail): return withoutToken(call, isMisconfigured: true, detail, nil, now: now)
        }
    }

    /// The same for everybody is no account's fault: the jobs stay in the broker then.
    private func withoutToken(
        _ call: Gate.Call, isMisconfigured: Bool, _ detail: String, _ retryAfter: Duration?, now: Timestamp
    ) -> Admission {
        switch dispatcher.tokenRefused(call, isMisconfigured: isMisconfigured, detail: detail) {
        case .standStill: .wait(until: clock.now())
        case .standAside(let time): .stepAside(until: clock.wall() + time, .hold)
        case .own, .open:
            // From now, not from when it was asked for: that may have taken longer than the wait.
            .park(
                until: clock.wall() + max(retryAfter ?? .zero, Self.unavailableCredential),
                cause: "credentials: \(detail)")
        }
    }

    /// Another token than the one the API refused, if there is one; asked for once for each delivery.
    func freshToken(_ hand: inout JobInHand, rejected: AccessToken) async -> Admission {
        guard !hand.item.hasRefreshedToken else { return .refused }
        hand.item.hasRefreshedToken = true
        let digest = rejected.secret.sha256
        let admission = await token(hand, rejecting: digest, now: clock.wall())
        if case .proceed(let fresh) = admission, fresh.secret.sha256 == digest { return .refused }
        return admission
    }
}
