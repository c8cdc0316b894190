import AMQP
import Jobs
import Ledger
import Messages
import Threads

/// Back to the broker as the same copy, to come later. Parking decides a new copy and counts it; stepping aside only
/// moves the one there is, so it costs no attempt, no delivery count and no new row: a kill between the publish and the ack
/// leaves two deliveries of one number, and the one that comes second finds what the first has done.
extension Worker {
    /// Sends the job's copy through the delay queues until `time`. It may come early, and is moved on then: each move
    /// takes the longest queue that fits, so a wait of any length that the queues cover takes a few.
    ///
    /// An earlier copy of the job must not take over while this one waits, and nobody must report it lost before its time,
    /// nor may it be lost unseen: where the ledger knows the job, its due time becomes `time` first.
    func stepAside(
        _ hand: JobInHand, until wanted: Timestamp, _ cause: StepAside, _ delivery: consuming Delivery
    ) async {
        // At its deadline it ends, and whoever waits for its result is to have it then.
        let time = hand.job.deadline.map { min($0 + .milliseconds(1), wanted) } ?? wanted
        if let newest = hand.progress.copy, newest > hand.arrival.copy {
            // It took the place of a newer copy, which is lost: only a number of its own lets it in again.
            return await park(hand, until: time, cause: cause.words, delivery)
        }
        if hand.progress.copy != nil, hand.progress.due.map({ $0 < time }) ?? true {
            guard await record(.postponed(hand.arrival, due: time), of: hand.jobID) != nil else {
                return delivery.handBack()
            }
        }
        var item = hand.item
        item.stamp = hand.stamp(copy: item.stamp.copy, notBefore: item.stamp.notBefore)
        await stepAside(item, until: time, cause, delivery)
    }

    /// The same for a delivery of which the ledger need not know anything.
    func stepAside(_ item: Item, until time: Timestamp, _ cause: StepAside, _ delivery: consuming Delivery) async {
        let wall = clock.wall()
        let wait = max(.zero, time - wall)
        var stamp = item.stamp
        stamp.lane = stamp.lane ?? item.lane
        stamp.firstSeen = stamp.firstSeen ?? wall
        stamp.moves += 1
        switch cause {
        case .early, .share, .leased, .hold: stamp.notBefore = time
        // A time that is expected, not one to wait for: who comes early and finds a place takes it.
        case .turn: stamp.turn = time
        case .following: break
        }
        let delay = schedule.queueAside(for: wait, isExact: cause == .early)
        let queue =
            delay.map { configuration.names.retry($0) }
            ?? configuration.names.queue(.due)
        guard await announcer.publishCopy(of: item.message, jobID: item.job?.id, stamp: stamp, to: queue) else {
            return delivery.handBack()
        }
        onEvent(
            .steppedAside(
                item.job?.id, generation: stamp.generation, delay: delay, wait: wait, cause, moves: stamp.moves))
        ack(delivery)
    }
}
