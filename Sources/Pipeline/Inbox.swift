package import AMQP

/// Where the worker's messages come from: the consuming link, or a test's queue.
package protocol Inbox: Settling {
    /// Changes what is taken. A post; the change is complete when what was in flight has been settled.
    func consume(_ consumption: Consumption)
}

/// What the worker takes from the broker.
package enum Consumption: Equatable, Sendable {
    /// Every lane, with its full prefetch.
    case everything
    /// Every lane but that of mass jobs, which have had their share of the day for now.
    case withoutBulk
    /// Every lane, two messages each: jobs test a hold, and one that has failed may wait beside the next.
    case fewAtATime
    /// One message of `due` at a time: suspects run with nothing else in flight.
    case suspects
    /// Nothing: the jobs stay in the broker.
    case nothing
}
