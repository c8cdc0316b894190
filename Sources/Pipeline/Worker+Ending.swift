import AMQP
import Jobs
import Ledger
import Messages
import Photos
import Secrets
import Threads

extension Worker {
    /// Recorded, confirmed, acked: the end of every job. A kill between any two of them leads back here through
    /// `publishAgain`, with the stored bytes.
    func finish(_ hand: JobInHand, _ ending: Ending, _ delivery: consuming Delivery) async {
        let now = clock.wall()
        let result = ending.result(of: hand, at: now)
        let stored = hand.stored(result, at: now)
        let needsLetter = ending.outcome == .failed
        let recorded = await record(
            .finished(
                hand.arrival, stored, attempts: hand.progress.attempts, isAmbiguous: hand.progress.isAmbiguous,
                needsLetter: needsLetter), of: hand.jobID)
        guard recorded != nil else { return delivery.handBack() }
        let letter = needsLetter ? letter(hand, result, at: now) : nil
        guard await announce(stored, letter, hand, replayed: false) else { return delivery.handBack() }
        onEvent(
            .ended(
                hand.jobID, hand.job.account, result.outcome, result.reason, attempts: result.attempts,
                timeToResult: now - hand.progress.firstSeen, detail: result.detail, traceID: hand.trace.traceID))
        settled(hand.item)
        ack(delivery)
    }

    /// Publishes what the broker is not known to have, both at once, and marks what is confirmed.
    private func announce(
        _ result: StoredResult?, _ letter: DeadLetter?, _ hand: JobInHand, replayed: Bool
    ) async -> Bool {
        let (resultDone, letterDone) = await publish(
            result, letter, replayed: replayed, replyTo: hand.item.message.properties.replyTo)
        hook(.mark, .before)
        let generation = hand.arrival.generation
        if result != nil, resultDone { ledger.mark(.result, of: hand.jobID, generation: generation) }
        if letter != nil, letterDone { ledger.mark(.letter, of: hand.jobID, generation: generation) }
        hook(.mark, .after)
        return resultDone && letterDone
    }

    /// Whether each is with the broker, or there was none. Two at once take two tasks; nearly every job has one.
    private func publish(
        _ result: StoredResult?, _ letter: DeadLetter?, replayed: Bool, replyTo: String?
    ) async -> (result: Bool, letter: Bool) {
        guard let result else {
            guard let letter else { return (true, true) }
            return (true, await announcer.publishLetter(letter))
        }
        guard let letter else {
            return (await announcer.publishResult(result, replayed: replayed, replyTo: replyTo), true)
        }
        async let resultIsOut = announcer.publishResult(result, replayed: replayed, replyTo: replyTo)
        async let letterIsOut = announcer.publishLetter(letter)
        return (await resultIsOut, await letterIsOut)
    }

    private func letter(_ hand: JobInHand, _ result: JobResult, at now: Timestamp) -> DeadLetter? {
        guard let reason = result.reason else { return nil }
        return DeadLetter(
            message: hand.item.message, jobID: hand.jobID,
            headers: hand.stamp(copy: hand.item.stamp.copy, notBefore: nil), reason: reason, detail: result.detail,
            attempts: result.attempts, httpStatus: result.httpStatus, apiStatus: result.apiStatus, deadAt: now)
    }

    /// A delivery of a job that has its result: what is unmarked goes out; else the result again, never the letter.
    func publishAgain(_ finished: FinishedJob, _ hand: JobInHand, _ delivery: consuming Delivery) async {
        guard !finished.resultIsPublished || !finished.letterIsPublished else {
            return await replay(finished.result, hand, delivery)
        }
        let stored = finished.resultIsPublished ? nil : finished.result
        var owed: DeadLetter?
        if !finished.letterIsPublished, let result = try? JobResult.decode(finished.result.body) {
            // The delivery may be older than the call that nobody heard of.
            var hand = hand
            hand.progress.isAmbiguous = hand.progress.isAmbiguous || result.effect == .unknown
            owed = letter(hand, result, at: finished.result.completedAt)
        }
        guard await announce(stored, owed, hand, replayed: false) else { return delivery.handBack() }
        let result = finished.result
        // An operator's word ended it, and was told then: this is its letter alone.
        if stored != nil || result.reason != .cancelled {
            onEvent(
                .ended(
                    hand.jobID, hand.job.account, result.outcome, result.reason, attempts: hand.progress.attempts,
                    timeToResult: clock.wall() - hand.progress.firstSeen, detail: "published after an interruption",
                    traceID: hand.trace.traceID))
        }
        settled(hand.item)
        ack(delivery)
    }

    /// The same bytes under the same message-id. Nil: that generation has no result of its own to give.
    func replay(_ result: StoredResult?, _ hand: JobInHand, _ delivery: consuming Delivery) async {
        if let result {
            let replyTo = hand.item.message.properties.replyTo
            guard await announcer.publishResult(result, replayed: true, replyTo: replyTo) else {
                return delivery.handBack()
            }
            onEvent(.replayed(hand.jobID))
        }
        ack(delivery)
    }

    /// An older generation is still open and a newer one has come: the older ends here, with a result of its own.
    func close(_ predecessor: OpenJob, of hand: JobInHand) async -> Bool {
        var old = hand
        old.item.stamp.generation = predecessor.generation
        let now = clock.wall()
        var closing = JobInHand(old.item, old.job, isProbe: false, now: now)
        closing.progress = Progress(closing.arrival, predecessor)
        let ending = Ending.failed(.poison, detail: "a newer generation of the job was submitted", nil)
        let stored = closing.stored(ending.result(of: closing, at: now), at: now)
        let recorded = await record(
            .finished(
                closing.arrival, stored, attempts: closing.progress.attempts,
                isAmbiguous: closing.progress.isAmbiguous, needsLetter: false), of: hand.jobID)
        guard recorded != nil else { return false }
        guard await announcer.publishResult(stored, replayed: false, replyTo: nil) else { return false }
        ledger.mark(.result, of: hand.jobID, generation: predecessor.generation)
        onEvent(
            .ended(
                hand.jobID, hand.job.account, stored.outcome, stored.reason, attempts: closing.progress.attempts,
                timeToResult: now - closing.progress.firstSeen, detail: "a newer generation of the job was submitted",
                traceID: hand.trace.traceID))
        return true
    }

    /// It never became a job: a letter and a result, and no word in the ledger.
    func reject(_ item: Item, _ rejection: Rejection, _ delivery: consuming Delivery) async {
        let now = clock.wall()
        let digest: SHA256Digest
        switch item.message.body {
        case .complete(let body): digest = SHA256Digest(of: body)
        case .truncated(_, _, let whole): digest = whole
        }
        let trace = Intake.trace(of: item.message.properties)
        let result = JobResult.rejected(rejection)
        let messageID = JobResult.messageID(rejecting: digest, for: rejection.reason)
        let stored = StoredResult(
            messageID: messageID, outcome: .rejected, reason: rejection.reason, body: result.encoded(),
            correlationID: trace.correlationID ?? rejection.jobID?.string, traceparent: trace.traceparent,
            tracestate: trace.tracestate, completedAt: now)
        let letter = DeadLetter(
            message: item.message, jobID: rejection.jobID, headers: item.stamp, reason: rejection.reason,
            detail: rejection.detail, attempts: 0, httpStatus: nil, apiStatus: nil, deadAt: now)
        let replyTo = item.message.properties.replyTo
        async let resultIsOut = announcer.publishResult(stored, replayed: false, replyTo: replyTo)
        async let letterIsOut = announcer.publishLetter(letter)
        guard await resultIsOut, await letterIsOut else { return delivery.handBack() }
        onEvent(
            .ended(
                rejection.jobID, rejection.account, .rejected, rejection.reason, attempts: 0, timeToResult: .zero,
                detail: rejection.detail, traceID: trace.traceID))
        settled(item)
        ack(delivery)
    }

    private func settled(_ item: Item) {
        onEvent(.settled(after: clock.now() - item.message.receivedAt))
    }

    /// Remembered before it is acked: whenever the job comes, it ends without a call.
    func cancel(_ id: JobID, _ item: Item, _ delivery: consuming Delivery) async {
        do throws(LedgerError) {
            let isInTime = try await ledger.cancel(id, at: clock.wall())
            onEvent(.cancelled(id, inTime: isInTime))
            ack(delivery)
        } catch {
            onEvent(.ledgerRefused(id, detail: error.description))
            dispatcher.putBack(delivery, as: item, until: clock.now() + Self.ledgerRetry)
        }
    }

    /// Nothing after it: the broker forgets the message now.
    func ack(_ delivery: consuming Delivery) {
        hook(.ack, .before)
        delivery.ack()
        hook(.ack, .after)
    }
}
