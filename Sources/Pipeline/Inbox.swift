package import AMQP

/// Where the worker's messages come from: the consuming link, or a test's queue.
package protocol Inbox: Settling {
    /// Changes what is taken. A post; the change is complete when what was in flight has been settled.
    func consume(_ consumption: Consumption)
}
