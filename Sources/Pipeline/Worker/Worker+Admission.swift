import AMQP
import Clocks
import Concurrency
import Credentials
import Jobs
import Ledger
import Messages
import Photos
import Secrets

/// Whether a job may be called now.
extension Worker {
    /// Of the minute that a delivery may be in flight, some seconds are for the turn that comes after the wait.
    private static let longestEarlyWait = Duration.seconds(50)
    /// A token service that is away is asked again after these waits, in flight: they keep no other job from calling.
    private static let tokenWaits: [Duration] = [.seconds(1), .seconds(2), .seconds(4)]
    /// How long a job is parked after those waits. It costs no attempt.
    private static let unavailableCredential = Duration.seconds(30)

    /// Whether the job may be called now, as far as anything but the ledger can tell.
    func admit(_ run: JobRun) async -> Admission {
        hook(.admit, .before)
        let now = clock.wall()
        // Also of a copy that stepped aside, and so comes on another lane.
        if let givenUp = run.item.jobHeaders.givenUp {
            return .denied(.end(.failed(givenUp.reason, detail: Self.detail(of: givenUp))))
        }
        if run.item.jobHeaders.suspect >= Intake.suspectsToPoison {
            let detail = "the worker died \(Intake.suspectsToPoison) times with this job alone in hand"
            return .denied(.end(.failed(.poison, detail: detail)))
        }
        if let ending = pastDeadline(run, at: now) { return .denied(.end(ending)) }
        if run.progress.attempts >= configuration.maxAttempts {
            let detail = "all \(run.progress.attempts) attempts failed"
            return .denied(.end(.failed(.attemptsExhausted, detail: detail)))
        }
        if let first = run.progress.firstCallAt,
            now - first - holdLog.held(from: first, to: now) > configuration.maxAge
        {
            return .denied(.end(.failed(.attemptsExhausted, detail: "it is older than retry.max_age")))
        }
        if run.isInTheWay { return .denied(.release(until: now + dispatcher.awayTime, .hold)) }
        if let notBefore = run.item.jobHeaders.notBefore, notBefore > now {
            return .denied(early(until: notBefore, hasWaited: run.mustRelease, at: now))
        }
        if run.mustRelease, let opens = dispatcher.bulkOpens(for: run.item) {
            return .denied(waitForShare(until: now + opens, at: now))
        }
        if run.mustRelease {
            let wait = dispatcher.turnAside(run.job.account, promised: run.item.jobHeaders.turn.map { $0 - now })
            return .denied(.release(until: now + wait, .turn))
        }
        return await budgeted(run, at: now)
    }

    /// It came before its time, because the delay queues are shorter than its wait or do not divide it. The rest is
    /// waited for in flight, or, if it is long, in the next of them.
    private func early(until notBefore: Timestamp, hasWaited: Bool, at now: Timestamp) -> Admission.Denial {
        let wait = notBefore - now
        let isLong = wait > (hasWaited ? RetrySchedule.longestWaitInFlight : Self.longestEarlyWait)
        // Where no queue is short enough it would be back at once, so that it goes only when it cannot stay.
        guard isLong, hasWaited || schedule.queue(for: wait) != nil else { return .wait(until: clock.now() + wait) }
        return .release(until: notBefore, .early)
    }

    /// The end of a job whose deadline is over; nil for any other.
    func pastDeadline(_ run: JobRun, at now: Timestamp) -> Ending? {
        guard let deadline = run.deadline, deadline < now else { return nil }
        return .failed(.deadlineExceeded, detail: "its deadline passed before a call could begin")
    }

    /// Whether the day has a call left for it.
    private func budgeted(_ run: JobRun, at now: Timestamp) async -> Admission {
        let isBulk = run.item.originLane == .bulk
        do throws(LedgerError) {
            switch try await budget.permission(isBulk: isBulk, at: now, ledger: ledger) {
            case .granted: return await token(run, now: now)
            case .later(let time):
                dispatcher.closeBulk(for: time - now)
                return .denied(waitForShare(until: time, at: now))
            case .soon(let wait): return .denied(.wait(until: clock.now() + wait))
            case .spent(let end):
                dispatcher.hold(
                    .quotaDay, detail: budget.spentDetail, atLeast: end - now,
                    by: run.isProbe ? run.call : nil)
                return .denied(.hold)
            }
        } catch {
            onEvent(.ledgerRefused(.init(jobID: run.jobID, detail: error.description)))
            return .denied(.wait(until: clock.now() + Self.ledgerRetry))
        }
    }

    private func waitForShare(until time: Timestamp, at now: Timestamp) -> Admission.Denial {
        .release(until: budget.reserve(from: time, at: now), .share)
    }

    private static func detail(of givenUp: GivenUp) -> String {
        switch givenUp {
        case .expired: "the message expired in the broker; publishers use deadline, not expiration"
        case .deliveryLimit: "the broker gave it up: it was delivered too often without an answer"
        }
    }

    // MARK: Token

    private func token(_ run: JobRun, now: Timestamp) async -> Admission {
        let call = callForToken(run)
        let answer = await credentials.token(for: run.job.account, rejecting: nil).hiding(run.job.account)
        return admission(of: run, by: answer, call, isFresh: false, now: now)
    }

    /// Another token than the one the API refused; nil if there is none. Asked for once for each delivery.
    func freshToken(_ run: inout JobRun, rejected: AccessToken) async -> Admission? {
        guard !run.item.hasRefreshedToken else { return nil }
        run.item.hasRefreshedToken = true
        let now = clock.wall()
        let call = callForToken(run)
        let digest = rejected.secret.sha256
        let answer = await credentials.token(for: run.job.account, rejecting: digest).hiding(run.job.account)
        if case .rejected = answer { return nil }
        let admission = admission(of: run, by: answer, call, isFresh: true, now: now)
        if case .admitted(let fresh) = admission, fresh.secret.sha256 == digest { return nil }
        return admission
    }

    private func callForToken(_ run: JobRun) -> Gate.Call {
        Gate.Call(job: run.jobID, account: run.job.account, began: clock.now(), isProbe: run.isProbe)
    }

    /// `isFresh`: the API refused another token before.
    private func admission(
        of run: JobRun, by answer: TokenAnswer, _ call: Gate.Call, isFresh: Bool, now: Timestamp
    ) -> Admission {
        func dead(_ reason: Reason, _ detail: String) -> Admission { .denied(.end(.failed(reason, detail: detail))) }
        switch answer {
        case .token(let token):
            if let time = token.obtainedAt { dispatcher.tokenObtained(call, at: time) }
            return .admitted(token)
        case .notFound: return dead(.credentialNotFound, "no provider has a token for the account")
        case .grantRevoked(let detail): return dead(.grantRevoked, detail)
        case .scopeMissing(let detail): return dead(.scopeMissing, detail)
        case .reauthRequired(let detail): return dead(.reauthRequired, detail)
        case .accountBlocked(let detail): return dead(.accountBlocked, detail)
        case .rejected(let detail):
            // Said of a token that was asked for without a refusal, it is the provider's own trouble.
            return .denied(.park(until: now + Self.unavailableCredential, cause: "credentials: \(detail)"))
        case .unavailable where dispatcher.isClosed: return .denied(.wait(until: clock.now()))
        case .unavailable(let detail, let retryAfter):
            // After a refused call it is not so soon asked for again: that would be one more call each time.
            if !isFresh, !run.isProbe, run.item.tokenTries < Self.tokenWaits.count {
                let wait = Self.tokenWaits[run.item.tokenTries]
                if retryAfter ?? .zero <= wait { return .denied(.waitForToken(until: clock.now() + wait)) }
            }
            return .denied(withoutToken(call, isMisconfigured: false, detail, retryAfter))
        case .misconfigured(let detail): return .denied(withoutToken(call, isMisconfigured: true, detail, nil))
        }
    }

    /// A want of tokens that all accounts have is no account's fault: the jobs stay in the broker then.
    private func withoutToken(
        _ call: Gate.Call, isMisconfigured: Bool, _ detail: String, _ retryAfter: Duration?
    ) -> Admission.Denial {
        switch dispatcher.tokenRequestRefused(call, isMisconfigured: isMisconfigured, detail: detail) {
        case .waitOutHold: .hold
        case .standAside(let time): .release(until: clock.wall() + time, .hold)
        case .own, .open:
            // From now, not from when it was asked for: that may have taken longer than the wait.
            .park(
                until: clock.wall() + max(retryAfter ?? .zero, Self.unavailableCredential),
                cause: "credentials: \(detail)")
        }
    }
}
