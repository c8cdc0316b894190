import AMQP
import Jobs
import Ledger
import Messages
import Threads

/// The messages of a settlement: `settle` alone publishes them.
extension Worker {
    /// Publishes everything, and marks what the broker has. False if the link was stopped before it had all of it.
    func publish(_ outgoing: Outgoing) async -> Bool {
        // First, so that an older generation's result is there before a newer one's.
        if let closed = outgoing.closed, await !publish(closed) { return false }
        let copyIsOut = if let copy = outgoing.copy { await announcer.publish(copy) } else { true }
        let (resultIsOut, letterIsOut) = await publish(
            outgoing.result, outgoing.letter, isReplay: outgoing.isReplay, replyTo: outgoing.replyTo)
        if let (id, generation) = outgoing.owner {
            hook(.mark, .before)
            if let number = outgoing.copy?.number, copyIsOut {
                ledger.mark(.copy(number), of: id, generation: generation)
            }
            if outgoing.result != nil, resultIsOut { ledger.mark(.result, of: id, generation: generation) }
            if outgoing.letter != nil, letterIsOut { ledger.mark(.letter, of: id, generation: generation) }
            hook(.mark, .after)
        }
        return copyIsOut && resultIsOut && letterIsOut
    }

    /// Whether each is with the broker, or there was none. Two at once take two tasks; nearly every job has one.
    private func publish(
        _ result: StoredResult?, _ letter: DeadLetter?, isReplay: Bool, replyTo: String?
    ) async -> (result: Bool, letter: Bool) {
        guard let result else {
            guard let letter else { return (true, true) }
            return (true, await announcer.publishLetter(letter))
        }
        guard let letter else {
            return (await announcer.publishResult(result, replayed: isReplay, replyTo: replyTo), true)
        }
        async let resultIsOut = announcer.publishResult(result, replayed: isReplay, replyTo: replyTo)
        async let letterIsOut = announcer.publishLetter(letter)
        return (await resultIsOut, await letterIsOut)
    }

    /// Publishes the result of an older generation that ended because a newer one came, if the ledger has kept it. It
    /// kept another one if the sweep reported that generation lost just before the claim: the sweep publishes that. If
    /// the ledger cannot answer, the sweep of unpublished results has it later.
    private func publish(_ closed: ClosedGeneration) async -> Bool {
        guard case .superseded(let stored?)? = await look(closed.arrival), stored.body == closed.result.body else {
            return true
        }
        guard await announcer.publishResult(closed.result, replayed: false, replyTo: nil) else { return false }
        ledger.mark(.result, of: closed.arrival.jobID, generation: closed.arrival.generation)
        onEvent(.ended(closed.ended))
        return true
    }
}

extension Announcer {
    fileprivate func publish(_ copy: Outgoing.Copy) async -> Bool {
        await publishCopy(of: copy.message, jobID: copy.jobID, stamp: copy.stamp, to: copy.queue)
    }
}
