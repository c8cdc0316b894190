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
    /// There is no other token than the one that the API refused.
    case refused
}

extension Worker {
    /// Less is not worth the way through the broker.
    private static let shortestParking = Duration.seconds(5)
    /// A token service that is down is asked again after this, at no attempt's cost.
    private static let unavailableCredential = Duration.seconds(30)
    /// The ledger's own health decides when work goes on; this only keeps one job from asking in a loop.
    static let ledgerRetry = Duration.seconds(1)
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
            arrival: hand.arrival, kind: hand.mustAsk ? .probe : .call, day: budget.dayName(at: now), at: now,
            attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
            malformedAnswers: hand.progress.malformedAnswers)
        do throws(LedgerError) {
            let answer = try await ledger.claim(claim)
            if case .claimed = answer {
                budget.counted(isBulk: hand.item.originLane == .bulk, at: now)
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
        if mustPark, let opens = dispatcher.bulkOpens(for: hand.item) {
            return waitForShare(until: now + max(opens, Self.shortestParking), at: now)
        }
        if mustPark {
            let wait = max(dispatcher.reserveSlot(hand.job.account), Self.shortestParking)
            return .park(until: now + wait, cause: "its account has no turn for it yet")
        }
        return await budgeted(hand, at: now)
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
                    .quotaDay, detail: "this daemon's share of the day's quota is spent", wasProbe: hand.isProbe,
                    atLeast: end - now)
                return .wait(until: clock.now())
            }
        } catch {
            onEvent(.ledgerRefused(hand.jobID, detail: error.description))
            return .wait(until: clock.now() + Self.ledgerRetry)
        }
    }

    private func waitForShare(until time: Timestamp, at now: Timestamp) -> Admission {
        .park(until: budget.reserve(from: time, at: now), cause: "mass jobs have had their share of the day so far")
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
        case .rejected(let detail):
            // Said of a token that was asked for without a refusal, it is the provider's own trouble.
            return rejected == nil
                ? .park(until: now + Self.unavailableCredential, cause: "credentials: \(detail)") : .refused
        case .unavailable(let detail, let retryAfter):
            return .park(
                until: now + max(retryAfter ?? .zero, Self.unavailableCredential), cause: "credentials: \(detail)")
        case .misconfigured(let detail):
            dispatcher.hold(.clientMisconfigured, detail: detail, wasProbe: hand.isProbe)
            return .wait(until: clock.now())
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

    // MARK: The call

    func call(_ hand: inout JobInHand, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        let answer = await photos.leave(hand.job.shareToken, bearer: token.secret, trace: hand.trace)
        let context = context(hand, token)
        var verdict = VerdictTable.verdict(for: answer, context: context)
        hand.item.tries += 1
        // What the table says of an answer that was lost twice; every other one is best followed by a call.
        hand.item.asks = verdict.row == 3 && hand.progress.isAmbiguous ? .yes : .no
        if verdict.marksAmbiguous {
            hand.progress.isAmbiguous = true
            hand.album = nil
        }
        if verdict.action == .askAlbum, let album = hand.album {
            // It was asked before the call, and this call was refused: nothing has changed since.
            verdict = VerdictTable.verdict(album, after: verdict, context: context)
        }
        tell(.leave, verdict, hand, since: began)
        return verdict
    }

    /// Asks the album: before a call that may be needless, or after one whose refusal says too little.
    func ask(_ hand: inout JobInHand, _ token: AccessToken) async -> Verdict {
        let began = clock.now()
        let answer = await photos.album(hand.job.shareToken, bearer: token.secret, trace: hand.trace)
        let verdict = VerdictTable.verdict(
            forProbe: answer, after: hand.refusal, context: context(hand, token))
        if let album = verdict.album {
            hand.album = album
            hand.refusal = nil
            hand.item.asks = .no
            hand.item.stamp.mustAsk = false
        } else {
            // Not answered: the question comes first again.
            hand.item.asks = .yes
        }
        tell(.album, verdict, hand, since: began)
        return verdict
    }

    private func context(_ hand: JobInHand, _ token: AccessToken) -> VerdictContext {
        VerdictContext(
            isAmbiguous: hand.progress.isAmbiguous, malformedAnswers: hand.progress.malformedAnswers,
            tokenWasRefreshed: hand.item.hasRefreshedToken, tokenLacksScope: token.lacksSharingScope,
            assumesLeftAfterAmbiguous: configuration.assumeLeftAfterAmbiguous, now: clock.wall(),
            secrets: [hand.job.shareToken.secret, token.secret])
    }

    private func tell(
        _ request: PipelineEvent.Call.Request, _ verdict: Verdict, _ hand: JobInHand, since began: MonotonicTime
    ) {
        onEvent(
            .called(
                .init(
                    request: request, jobID: hand.jobID, account: hand.job.account,
                    generation: hand.arrival.generation, row: verdict.row, verdict: verdict.action.word,
                    httpStatus: verdict.httpStatus, duration: clock.now() - began, detail: verdict.detail)))
    }

    // MARK: What the answer says of the world

    /// Whether the failure is everybody's, so that it costs this job nothing. Tells the holds what they can learn.
    func isEverybodys(_ verdict: Verdict, _ hand: JobInHand) -> Bool {
        let account = hand.job.account
        if isClockSuspect(verdict, hand) { return false }
        switch verdict.action {
        case .left, .alreadyLeft: dispatcher.callAnswered(.success, of: account, wasProbe: hand.isProbe)
        case .dead where verdict.sign == .healthy:
            dispatcher.callAnswered(.understood, of: account, wasProbe: hand.isProbe)
        default: dispatcher.callAnswered(.nothing, of: account, wasProbe: hand.isProbe)
        }
        guard let sign = verdict.sign else { return false }
        let isFailure: Bool =
            switch verdict.action {
            case .retry, .retryAskingAtLast, .malformedAnswer: true
            default: false
            }
        let opened = dispatcher.note(sign, of: hand.jobID, detail: verdict.detail, wasProbe: hand.isProbe)
        if opened { return isFailure }
        // It neither proves nor refutes what it tested, and a hold costs no job anything.
        guard hand.isProbe, isFailure else { return false }
        dispatcher.probeWasInconclusive()
        return true
    }

    /// The quota's day turns with the API's clock: before ours is believed, the two are compared once a day.
    private func isClockSuspect(_ verdict: Verdict, _ hand: JobInHand) -> Bool {
        let now = clock.wall()
        guard let theirs = verdict.serverTime, budget.mustCompareClocks(at: now) else { return false }
        let difference = theirs < now ? now - theirs : theirs - now
        guard difference > DayBudget.clockTolerance else {
            budget.comparedClocks(at: now)
            return false
        }
        dispatcher.hold(
            .clockSuspect,
            detail: "this machine's clock says \(now.rfc3339), the API's \(theirs.rfc3339): set the clock right",
            wasProbe: hand.isProbe)
        return true
    }

    // MARK: What costs the job nothing

    /// The world is at fault. The dispatcher keeps the job or hands it back, as the hold lasts.
    func standStill(_ start: JobInHand, _ delivery: consuming Delivery) async {
        var hand = start
        guard await keep(hand) else { return delivery.handBack() }
        hand.item.tries = 0
        hand.item.stamp = hand.stamp(copy: hand.item.stamp.copy, notBefore: hand.item.stamp.notBefore)
        dispatcher.putBack(delivery, as: hand.item, until: clock.now())
    }

    func retryNetwork(_ start: JobInHand, _ verdict: Verdict, _ delivery: consuming Delivery) async {
        var hand = start
        guard await keep(hand) else { return delivery.handBack() }
        hand.item.networkFailures += 1
        var backoff = Self.networkBackoff
        for _ in 1..<hand.item.networkFailures { _ = backoff.next() }
        hand.item.stamp = hand.stamp(copy: hand.item.stamp.copy, notBefore: hand.item.stamp.notBefore)
        dispatcher.putBack(delivery, as: hand.item, until: clock.now() + backoff.next())
    }

    func hold(
        _ hand: JobInHand, _ cause: HoldCause, _ verdict: Verdict, _ delivery: consuming Delivery
    ) async {
        dispatcher.hold(cause, detail: verdict.detail, wasProbe: hand.isProbe, atLeast: verdict.minimumWait)
        await standStill(hand, delivery)
    }

    /// The API counts otherwise than we do: the day is over, and one job a while after its end tells whether the next
    /// has begun. A probe that is refused tries again in an hour, as its hold says.
    func endDay(_ hand: JobInHand, _ verdict: Verdict, _ delivery: consuming Delivery) async {
        let now = clock.wall()
        let wait = hand.isProbe ? nil : budget.endDay(at: now) - now + .seconds(Int.random(in: 0...900))
        dispatcher.hold(.quotaDay, detail: verdict.detail, wasProbe: hand.isProbe, atLeast: wait)
        await standStill(hand, delivery)
    }

    /// The account alone must wait.
    func delay(
        _ hand: JobInHand, _ cause: AccountQueue.Wait.Cause, _ verdict: Verdict, _ delivery: consuming Delivery
    ) async {
        dispatcher.refuse(hand.job.account, cause, atLeast: verdict.minimumWait ?? .zero)
        if hand.isProbe { dispatcher.probeWasInconclusive() }
        if cause == .concurrent, concurrency.noted(hand.job.account, at: clock.now()) {
            dispatcher.hold(.rateLimited, detail: verdict.detail, wasProbe: false)
        }
        await standStill(hand, delivery)
    }

    // MARK: Refusals that may be everybody's

    /// A job that was parked so often for the same refusal is not the one to find out.
    private static let refusalsToEnd = 3
    private static let waitForNeighbours = Duration.seconds(300)

    /// The job's own fault if its neighbours succeed; everybody's if they are refused as well; else it waits.
    func refuse(
        _ hand: JobInHand, _ reason: Reason, _ cause: HoldCause, accounts: Int, _ verdict: Verdict,
        _ delivery: consuming Delivery
    ) async {
        let ruling = dispatcher.refused(
            hand.job.account, cause, accounts: accounts, detail: verdict.detail, wasProbe: hand.isProbe)
        switch ruling {
        case .own: await finish(hand, .failed(reason, detail: verdict.detail, verdict), delivery)
        case .everybodys: await standStill(hand, delivery)
        case .undecided: await awaitNeighbours(hand, reason, verdict, parkings: Self.refusalsToEnd - 1, delivery)
        }
    }

    /// A token that was refused though it is fresh may work in some minutes.
    func refuseToken(
        _ hand: JobInHand, _ reason: Reason, _ verdict: Verdict, _ delivery: consuming Delivery
    ) async {
        let ruling = dispatcher.refused(
            hand.job.account, .clientMisconfigured, accounts: Self.accountsWithRefusedTokens, detail: verdict.detail,
            wasProbe: hand.isProbe)
        guard ruling != .everybodys else { return await standStill(hand, delivery) }
        await awaitNeighbours(hand, reason, verdict, parkings: Self.refusalsToEnd, delivery)
    }

    private static let accountsWithRefusedTokens = 5

    private func awaitNeighbours(
        _ start: JobInHand, _ reason: Reason, _ verdict: Verdict, parkings: Int, _ delivery: consuming Delivery
    ) async {
        var hand = start
        guard hand.item.stamp.refusals < parkings else {
            return await finish(hand, .failed(reason, detail: verdict.detail, verdict), delivery)
        }
        hand.item.stamp.refusals += 1
        let wait = max(Self.waitForNeighbours, verdict.minimumWait ?? .zero)
        await park(hand, until: clock.wall() + wait, cause: verdict.detail, delivery)
    }
}
