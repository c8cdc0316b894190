import AMQP
package import Clocks
package import Jobs
package import Messages

/// A job that a worker has in flight, as an operator sees it.
package struct JobInFlight: Equatable, Sendable {
    package enum Place: Equatable, Sendable {
        /// A worker has it: it asks the ledger, has a token or a call under way, or settles.
        case withWorker
        /// For its turn, or behind another delivery of the same job.
        case waitingForTurn
        /// Until its next try, or to be handed back.
        case betweenTries
    }

    package var account: AccountID
    package var generation: Int
    package var lane: Lane
    package var receivedAt: MonotonicTime
    package var place: Place
    /// See `TraceContext.traceID`.
    package var traceID: String?

    package init(
        account: AccountID, generation: Int, lane: Lane, receivedAt: MonotonicTime, place: Place,
        traceID: String? = nil
    ) {
        self.account = account
        self.generation = generation
        self.lane = lane
        self.receivedAt = receivedAt
        self.place = place
        self.traceID = traceID
    }
}

extension Dispatch {
    func whereabouts(of id: JobID) -> JobInFlight? {
        guard let leader = duplicateGroups[id]?.leader, let entry = entries[leader], let job = entry.item.job else {
            return nil
        }
        let place: JobInFlight.Place =
            switch entry.state {
            case .running: .withWorker
            case .waiting, .following: .waitingForTurn
            case .delayed, .housekeeping: .betweenTries
            }
        return JobInFlight(
            account: job.account, generation: entry.item.jobHeaders.generation, lane: entry.item.lane,
            receivedAt: entry.item.message.receivedAt, place: place, traceID: entry.item.traceContext.traceID)
    }
}
