import AMQP
import Clocks
import Jobs
import Messages

/// A job that an operator ends: what is in flight of it goes now, whatever is on hold, and what comes waits.
extension Dispatch {
    /// Stands for the leader of a job that no worker has. No connection has this number.
    private static let noDelivery = DeliveryTag(generation: .max, number: 0)

    /// Each delivery of it that waits has its turn now, and calls nobody; so has each that comes back or comes in,
    /// until `release`. One that a worker has goes on to its end.
    mutating func expedite(_ id: JobID) {
        reserved.insert(id)
        guard let leader = duplicateGroups[id]?.leader else { return }
        switch entries[leader]?.state {
        case .waiting, .delayed: queueForSettlement(leader, .awaitTurn)
        case .following, .housekeeping, .running, nil: break
        }
    }

    /// Takes the place of the job's deliveries, once none is in flight: those that come are its followers. False while
    /// there is one.
    mutating func occupy(_ id: JobID) -> Bool {
        guard duplicateGroups[id] == nil else { return false }
        duplicateGroups[id] = DuplicateGroup(leader: Self.noDelivery)
        return true
    }

    /// What came meanwhile has its turn, at once: it has a result to find.
    mutating func vacate(_ id: JobID, at now: MonotonicTime) { promote(id, after: Self.noDelivery, at: now) }

    mutating func endReservation(of id: JobID, at now: MonotonicTime) {
        vacate(id, at: now)
        reserved.remove(id)
    }

    /// The same for whoever publishes the job's result in place of its deliveries, until `vacate`: one that comes meanwhile
    /// finds it published. False while a delivery is in flight, or if one was since `noteLeavingJobs`: that has published it.
    mutating func standIn(for id: JobID) -> Bool { !wasInFlight(id) && occupy(id) }

    /// The newest generation of the job in flight.
    func newestGeneration(of id: JobID) -> Int? {
        guard duplicateGroups[id] != nil else { return nil }
        return entries.values.lazy.filter { $0.item.job?.id == id }.map(\.item.jobHeaders.generation).max()
    }
}
