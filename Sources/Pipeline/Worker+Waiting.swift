import AMQP
import Jobs
import Messages
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
        (hand.item.tries, hand.item.unspent) = (0, 0)
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

    /// In a hold it failed, and so do perhaps all the others: out of the way, so that they can be tried. A kill after
    /// `keep` finds it open again, with the answer counted.
    func standAside(_ start: JobInHand, for time: Duration, _ delivery: consuming Delivery) async {
        var hand = start
        guard await keep(hand) else { return delivery.handBack() }
        (hand.item.tries, hand.item.unspent) = (0, 0)
        await stepAside(hand, until: clock.wall() + time, .hold, delivery)
    }

    func waitForToken(_ hand: JobInHand, until time: MonotonicTime, _ delivery: consuming Delivery) {
        var item = hand.item
        item.tokenTries += 1
        dispatcher.putBack(delivery, as: item, until: time)
    }

    /// The account alone must wait.
    func delay(
        _ hand: JobInHand, _ cause: AccountQueue.Wait.Cause, _ verdict: Verdict, _ delivery: consuming Delivery
    ) async {
        dispatcher.refuse(hand.job.account, cause, atLeast: verdict.minimumWait ?? .zero, detail: verdict.detail)
        await standStill(hand, delivery)
    }

    // MARK: Refusals that may be everybody's

    /// A token that was refused though it is fresh may work in some minutes.
    func refuseToken(
        _ hand: JobInHand, _ reason: Reason, _ verdict: Verdict, _ delivery: consuming Delivery
    ) async {
        guard hand.item.stamp.refusals < Self.refusalsToEnd else {
            return await finish(hand, .failed(reason, detail: verdict.detail, verdict), delivery)
        }
        await awaitNeighbours(hand, verdict, delivery)
    }

    /// There is no other token than the one that was refused: that is as good as a fresh one's refusal.
    func refuseOnlyToken(_ hand: JobInHand, _ verdict: Verdict, _ delivery: consuming Delivery) async {
        let refused = Verdict(
            row: 13, action: .tokenRefused(.authRejected), minimumWait: verdict.minimumWait,
            httpStatus: verdict.httpStatus, apiStatus: verdict.apiStatus, detail: verdict.detail)
        switch ruling(on: refused, hand) {
        case .own: await refuseToken(hand, .authRejected, refused, delivery)
        case .open: await awaitNeighbours(hand, refused, delivery)
        case .standAside(let time): await standAside(hand, for: time, delivery)
        case .standStill: await standStill(hand, delivery)
        }
    }

    /// What becomes of its neighbours shows whose fault it is.
    func awaitNeighbours(_ start: JobInHand, _ verdict: Verdict, _ delivery: consuming Delivery) async {
        var hand = start
        hand.item.stamp.refusals += 1
        let wait = max(configuration.waitForNeighbours, verdict.minimumWait ?? .zero)
        await park(hand, until: clock.wall() + wait, cause: verdict.detail, delivery)
    }
}
