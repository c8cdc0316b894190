import AMQP
import Jobs
import Ledger
import Messages
import Photos
import Threads

extension Worker {
    /// An attempt was spent. Another try in hand, a later copy, or the end.
    func failAttempt(
        _ start: JobInHand, _ verdict: Verdict, atLeast minimum: Duration, _ delivery: consuming Delivery
    ) async {
        var hand = start
        let before = hand.progress.attempts
        hand.progress.attempts += 1
        if hand.progress.malformedAnswers >= Self.malformedAnswersToEnd {
            return await finish(hand, .failed(.responseMalformed, detail: verdict.detail, verdict), delivery)
        }
        if hand.progress.attempts >= configuration.maxAttempts {
            let detail = "all \(hand.progress.attempts) attempts failed; the last: \(verdict.detail)"
            return await finish(hand, .failed(.attemptsExhausted, detail: detail, verdict), delivery)
        }
        let wall = clock.wall()
        let least = max(minimum, verdict.minimumWait ?? .zero)
        if let wait = schedule.waitInHand(tries: hand.item.tries, atLeast: least) {
            if verdict.sign == .serverFault || verdict.sign == .noAnswer {
                // Should it turn out before the next try that the server fails for everybody, it cost nothing.
                hand.progress.attempts = before
                hand.item.unspent = 1
            }
            guard await keep(hand) else { return delivery.handBack() }
            hand.item.stamp = hand.stamp(copy: hand.item.stamp.copy, notBefore: nil)
            return dispatcher.putBack(delivery, as: hand.item, until: clock.now() + wait)
        }
        let wait = schedule.parkingTime(attempts: hand.progress.attempts, atLeast: least)
        if let deadline = hand.job.deadline, wall + wait > deadline {
            let detail = "its deadline passes before the next try; the last: \(verdict.detail)"
            return await finish(hand, .failed(.deadlineExceeded, detail: detail, verdict), delivery)
        }
        await park(hand, until: wall + wait, cause: verdict.detail, delivery)
    }

    /// An answer that cannot be understood proves nothing, and a third one will not either.
    private static let malformedAnswersToEnd = 3

    /// Records that a copy comes at `until`, publishes it, acks this delivery. A kill after the record leads to
    /// `republishCopy`, one after the confirm to a delivery that finds the job parked.
    func park(_ hand: JobInHand, until due: Timestamp, cause: String, _ delivery: consuming Delivery) async {
        let copy = await record(
            .parked(
                hand.arrival, attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
                malformedAnswers: hand.progress.malformedAnswers, due: due), of: hand.jobID)
        guard let copy else { return delivery.handBack() }
        guard await publishParked(hand, copy: copy, due: due, cause: cause) else { return delivery.handBack() }
        ack(delivery)
    }

    /// Publishes the numbered copy into the delay queue that fits, and marks it.
    private func publishParked(_ hand: JobInHand, copy: Int, due: Timestamp, cause: String) async -> Bool {
        let wait = due - clock.wall()
        let delay = schedule.queue(for: wait)
        let queue =
            delay.map { configuration.names.retry($0) }
            ?? configuration.names.queue(.due)
        var stamp = hand.stamp(copy: copy, notBefore: due)
        (stamp.turn, stamp.moves) = (nil, 0)
        stamp.suspect = hand.item.stamp.suspect
        guard await announcer.publishCopy(of: hand.item.message, jobID: hand.jobID, stamp: stamp, to: queue) else {
            return false
        }
        hook(.mark, .before)
        ledger.mark(.copy(copy), of: hand.jobID, generation: hand.arrival.generation)
        hook(.mark, .after)
        onEvent(.parked(hand.jobID, generation: hand.arrival.generation, delay: delay, wait: wait, cause: cause))
        return true
    }

    /// The copy was decided, and perhaps never published: this delivery has the body, so it goes out again.
    func republishCopy(_ open: OpenJob, _ start: JobInHand, _ delivery: consuming Delivery) async {
        var hand = start
        hand.progress = Progress(hand.arrival, open)
        let due = open.due ?? clock.wall()
        guard await publishParked(hand, copy: open.copy, due: due, cause: "published after an interruption") else {
            return delivery.handBack()
        }
        ack(delivery)
    }

    /// A hold lasts: back to the broker as the same copy, on `due` if it is a job, at no cost in deliveries or attempts.
    func handBack(_ item: Item, _ delivery: consuming Delivery) async {
        var stamp = item.stamp
        stamp.lane = stamp.lane ?? item.lane
        stamp.firstSeen = stamp.firstSeen ?? clock.wall()
        let queue = configuration.names.queue(item.lane.home)
        guard await announcer.publishCopy(of: item.message, jobID: item.job?.id, stamp: stamp, to: queue) else {
            return delivery.handBack()
        }
        onEvent(.handedBack(count: 1))
        ack(delivery)
    }

    /// It was in hand each time the worker died, ten times: from now on it runs alone, with a delivery count of its
    /// own again, so that its innocent neighbours are not counted down with it.
    func setApart(_ item: Item, _ delivery: consuming Delivery) async {
        var stamp = item.stamp
        stamp.suspect += 1
        stamp.lane = stamp.lane ?? item.lane
        stamp.firstSeen = stamp.firstSeen ?? clock.wall()
        let queue = configuration.names.queue(item.lane.home)
        guard await announcer.publishCopy(of: item.message, jobID: nil, stamp: stamp, to: queue) else {
            return delivery.handBack()
        }
        onEvent(.setApart(suspect: stamp.suspect))
        ack(delivery)
    }
}
