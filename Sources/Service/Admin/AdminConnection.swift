import Clocks

/// One connection of the admin server, of the thread that serves it alone.
struct AdminConnection {
    enum Phase {
        /// Its request is not complete.
        case reading
        /// A handler works on it, and the library leaves it alone.
        case asking(until: MonotonicTime)
        /// To be sent as soon as the library asks again.
        case answered(AdminReply)
        /// To be closed as soon as the library asks again.
        case dropped
        /// The library sends the answer, and closes it then.
        case sending
    }

    let number: Int
    let descriptor: Int32
    let deadline: MonotonicTime
    var phase = Phase.reading
    /// Its socket was shut down: the library will notice.
    var isCut = false

    var isSuspended: Bool {
        if case .asking = phase { true } else { false }
    }
}
