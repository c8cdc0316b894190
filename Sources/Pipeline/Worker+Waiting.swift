import AMQP
import Jobs
import Photos
import Threads

/// What costs the job nothing: the world is at fault, or its account has to wait.
extension Worker {
    /// Nothing was sent: try again soon, then less often. No attempt is spent.
    private static let networkBackoff = Backoff(first: .milliseconds(400), longest: .seconds(10))

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
        let wait = max(configuration.waitForNeighbours, verdict.minimumWait ?? .zero)
        await park(hand, until: clock.wall() + wait, cause: verdict.detail, delivery)
    }
}
