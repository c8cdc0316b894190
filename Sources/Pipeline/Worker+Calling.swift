import AMQP
import Credentials
import Jobs
import Ledger
import Photos
import Secrets
import Threads

/// What admission says of a job.
enum Admission: Sendable {
    case proceed(AccessToken)
    case end(Ending)
    /// A short wait, in hand.
    case wait(until: MonotonicTime)
    case park(until: Timestamp, cause: String)
}

extension Worker {
    /// How long a job without a turn is parked when nothing says better: the account is busy or over its rate.
    private static let parkingWithoutTurn = Duration.seconds(30)
    /// A token service that is down is asked again after this, at no attempt's cost.
    private static let unavailableCredential = Duration.seconds(30)
    /// The ledger's own health decides when work goes on; this only keeps one job from asking in a loop.
    private static let ledgerRetry = Duration.seconds(1)
    /// Nothing was sent: try again soon, then less often. No attempt is spent.
    private static let networkBackoff = Backoff(first: .milliseconds(400), longest: .seconds(10))

    // MARK: The ledger's answers; nil means that it cannot answer now

    func look(_ hand: JobInHand) async -> Finding? {
        do throws(LedgerError) {
            return try await ledger.look(hand.arrival, at: clock.wall())
        } catch {
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return nil
        }
    }

    func claim(_ hand: JobInHand) async -> ClaimAnswer? {
        let now = clock.wall()
        let claim = Claim(
            arrival: hand.arrival, kind: .call, day: budget.dayName(at: now), at: now,
            attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
            malformedAnswers: hand.progress.malformedAnswers)
        do throws(LedgerError) {
            let answer = try await ledger.claim(claim)
            if case .claimed = answer {
                budget.counted(at: now)
                dispatcher.callBegan(hand.job.account)
            }
            return answer
        } catch {
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return nil
        }
    }

    /// The call ended and the job stays in hand. False if the ledger was closed.
    func keep(_ hand: JobInHand) async -> Bool {
        await record(
            .kept(
                hand.arrival, attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
                malformedAnswers: hand.progress.malformedAnswers), of: hand.jobID) != nil
    }

    /// Waits out a ledger that cannot commit. Nil if it was closed: the delivery is handed back then, and the next
    /// worker finds the open intent.
    func record(_ record: Record, of jobID: JobID) async -> Int? {
        hook(.record, .before)
        do throws(LedgerError) {
            let copy = try await ledger.record(record)
            hook(.record, .after)
            return copy
        } catch {
            onEvent(.ledgerRefused(jobID, detail: error.description))
            return nil
        }
    }

    func waitForLedger(_ hand: JobInHand, _ delivery: consuming Delivery) {
        dispatcher.putBack(delivery, as: hand.item, until: clock.now() + Self.ledgerRetry)
    }

    // MARK: Admission

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
        if let deadline = hand.job.deadline, deadline < now {
            return .end(.failed(.deadlineExceeded, detail: "its deadline passed before a call could begin", nil))
        }
        if hand.progress.attempts >= configuration.maxAttempts {
            return .end(.failed(.attemptsExhausted, detail: "all \(hand.progress.attempts) attempts failed", nil))
        }
        if let first = hand.progress.firstCallAt,
            now - first - holdLog.held(from: first, to: now) > configuration.maxAge
        {
            return .end(.failed(.attemptsExhausted, detail: "it is older than retry.max_age", nil))
        }
        if let notBefore = hand.item.stamp.notBefore, notBefore > now {
            let wait = notBefore - now
            return wait > RetrySchedule.longestWaitInHand
                ? .park(until: notBefore, cause: "early") : .wait(until: clock.now() + wait)
        }
        if mustPark { return .park(until: now + Self.parkingWithoutTurn, cause: "no turn") }
        do throws(LedgerError) {
            if let end = try await budget.exhausted(at: now, ledger: ledger) {
                dispatcher.hold(
                    .quotaDay, detail: "this daemon's share of the day's quota is spent", wasProbe: hand.isProbe,
                    atLeast: end - now)
                return .wait(until: clock.now())
            }
        } catch {
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return .wait(until: clock.now() + Self.ledgerRetry)
        }
        return await token(hand, rejecting: nil, now: now)
    }

    private static func brokenDetail(_ reason: Reason) -> String {
        reason == .expired
            ? "the message expired in the broker; publishers use deadline, not expiration"
            : "the broker gave it up: it was delivered too often without an answer"
    }

    private func token(_ hand: JobInHand, rejecting rejected: SHA256Digest?, now: Timestamp) async -> Admission {
        func dead(_ reason: Reason, _ detail: String) -> Admission { .end(.failed(reason, detail: detail, nil)) }
        switch await credentials.token(for: hand.job.account, rejecting: rejected) {
        case .token(let token): return .proceed(token)
        case .notFound: return dead(.credentialNotFound, "no provider has a token for the account")
        case .grantRevoked(let detail): return dead(.grantRevoked, detail)
        case .scopeMissing(let detail): return dead(.scopeMissing, detail)
        case .reauthRequired(let detail): return dead(.reauthRequired, detail)
        case .accountBlocked(let detail): return dead(.accountBlocked, detail)
        case .unavailable(_, let retryAfter):
            return .park(until: now + max(retryAfter ?? .zero, Self.unavailableCredential), cause: "credentials")
        case .misconfigured(let detail):
            dispatcher.hold(.clientMisconfigured, detail: detail, wasProbe: hand.isProbe)
            return .wait(until: clock.now())
        }
    }

    /// Another token than the one the API refused, if there is one; asked for once for each delivery.
    func freshToken(_ hand: inout JobInHand, rejected: AccessToken) async -> AccessToken? {
        guard !hand.item.hasRefreshedToken else { return nil }
        hand.item.hasRefreshedToken = true
        let digest = rejected.secret.sha256
        guard case .token(let fresh) = await credentials.token(for: hand.job.account, rejecting: digest),
            fresh.secret.sha256 != digest
        else { return nil }
        return fresh
    }

    // MARK: The call

    func call(_ hand: inout JobInHand, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        let answer = await photos.leave(hand.job.shareToken, bearer: token.secret, trace: hand.trace)
        let context = VerdictContext(
            isAmbiguous: hand.progress.isAmbiguous, malformedAnswers: hand.progress.malformedAnswers,
            tokenWasRefreshed: hand.item.hasRefreshedToken,
            assumesLeftAfterAmbiguous: configuration.assumeLeftAfterAmbiguous, now: clock.wall(),
            secrets: [hand.job.shareToken.secret, token.secret])
        let verdict = VerdictTable.verdict(for: answer, context: context)
        hand.item.tries += 1
        if verdict.marksAmbiguous { hand.progress.isAmbiguous = true }
        onEvent(
            .called(
                hand.jobID, hand.job.account, row: verdict.row, verdict: verdict.action.word,
                httpStatus: verdict.httpStatus, duration: clock.now() - began, detail: verdict.detail))
        switch verdict.action {
        case .left, .alreadyLeft, .dead, .deadUnlessWorldsFault: dispatcher.callSucceeded(wasProbe: hand.isProbe)
        case .retryOnFreshToken: dispatcher.callAnswered()
        case .retry, .malformedAnswer:
            dispatcher.callAnswered()
            if hand.isProbe { dispatcher.probeWasInconclusive() }
        case .retryNetwork, .hold, .throttle: break
        }
        return verdict
    }

    func retryNetwork(_ start: JobInHand, _ verdict: Verdict, _ delivery: consuming Delivery) async {
        var hand = start
        guard await keep(hand) else { return delivery.handBack() }
        hand.item.networkFailures += 1
        dispatcher.networkFailed(detail: verdict.detail, wasProbe: hand.isProbe)
        var backoff = Self.networkBackoff
        for _ in 1..<hand.item.networkFailures { _ = backoff.next() }
        hand.item.stamp = hand.stamp(copy: hand.item.stamp.copy, notBefore: hand.item.stamp.notBefore)
        dispatcher.putBack(delivery, as: hand.item, until: clock.now() + backoff.next())
    }

    /// A fault of the world: it costs the job nothing. The dispatcher keeps it or hands it back, as the hold lasts.
    func hold(
        _ start: JobInHand, _ cause: HoldCause, _ verdict: Verdict, _ delivery: consuming Delivery
    ) async {
        var hand = start
        guard await keep(hand) else { return delivery.handBack() }
        dispatcher.hold(cause, detail: verdict.detail, wasProbe: hand.isProbe, atLeast: verdict.minimumWait)
        hand.item.tries = 0
        hand.item.stamp = hand.stamp(copy: hand.item.stamp.copy, notBefore: hand.item.stamp.notBefore)
        dispatcher.putBack(delivery, as: hand.item, until: clock.now())
    }
}
