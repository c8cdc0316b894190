import AMQP
import Clocks
import Jobs
import Ledger
import Messages

/// The messages of a settlement: `settle` alone publishes them.
extension Worker {
    /// Publishes everything, and marks what the broker has. False if the link was stopped before it had all of it.
    func publish(_ outgoing: Outgoing, in trace: DeliveryTrace?) async -> Bool {
        // First, so that an older generation's result is there before a newer one's.
        if let closed = outgoing.closed, await !publish(closed) { return false }
        let copyIsOut = if let copy = outgoing.copy { await publisher.publish(copy, in: trace) } else { true }
        let (resultIsOut, deadLetterIsOut) = await publish(outgoing.result, outgoing.deadLetter, outgoing, in: trace)
        if let (id, generation) = outgoing.owner {
            hook(.mark, .before)
            if let number = outgoing.copy?.number, copyIsOut {
                ledger.mark(.copy(number), of: id, generation: generation)
            }
            if outgoing.result != nil, resultIsOut { ledger.mark(.result, of: id, generation: generation) }
            if outgoing.deadLetter != nil, deadLetterIsOut { ledger.mark(.deadLetter, of: id, generation: generation) }
            hook(.mark, .after)
        }
        return copyIsOut && resultIsOut && deadLetterIsOut
    }

    /// Whether each is with the broker, or there was none. Two at once take two tasks; nearly every job has one.
    private func publish(
        _ result: StoredResult?, _ deadLetter: DeadLetter?, _ outgoing: Outgoing, in trace: DeliveryTrace?
    ) async -> (result: Bool, deadLetter: Bool) {
        guard let result else {
            guard let deadLetter else { return (true, true) }
            return (true, await publisher.publishDeadLetter(deadLetter, in: trace))
        }
        // What was recorded earlier says in which span it was to be sent then; this one is another.
        let span = outgoing.resultSpan ?? trace?.makeSpan()
        guard let deadLetter else {
            return (
                await publisher.publishResult(
                    result, replayed: outgoing.isReplay, replyTo: outgoing.replyTo, in: span), true
            )
        }
        async let resultIsOut = publisher.publishResult(
            result, replayed: outgoing.isReplay, replyTo: outgoing.replyTo, in: span)
        async let deadLetterIsOut = publisher.publishDeadLetter(deadLetter, in: trace)
        return (await resultIsOut, await deadLetterIsOut)
    }

    /// Publishes the result of an older generation that ended because a newer one came, if the ledger has kept it. It
    /// kept another one if the sweep reported that generation lost just before the claim: the sweep publishes that. If
    /// the ledger cannot answer, the sweep of unpublished results has it later.
    private func publish(_ closed: ClosedGeneration) async -> Bool {
        guard case .superseded(let stored?)? = await lookUp(closed.arrival), stored.body == closed.result.body else {
            return true
        }
        let isOut = await publisher.publishResult(closed.result, replayed: false, replyTo: nil, in: closed.span)
        guard isOut else { return false }
        ledger.mark(.result, of: closed.arrival.jobID, generation: closed.arrival.generation)
        onEvent(.ended(closed.ended))
        return true
    }
}

extension ResultPublisher {
    fileprivate func publish(_ copy: Outgoing.Copy, in trace: DeliveryTrace?) async -> Bool {
        await publishCopy(
            of: copy.message, jobID: copy.jobID, jobHeaders: copy.jobHeaders, to: copy.queue, in: trace)
    }
}
