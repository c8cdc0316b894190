/// Something that comes round by itself, and can be asked whether it still does.
public protocol Pingable: Sendable {
    /// Calls `answer` once, on any thread, when the service comes round: proof that it lives. After its end that is at
    /// once, because nothing is expected of it any more.
    func ping(_ answer: @escaping @Sendable () -> Void)
}

/// A part of the daemon that works on a thread of its own, from its `init` to its `stop`.
///
/// The init starts the thread, or throws and leaves nothing behind: there is no service that is made and not started.
/// After `stop` what is posted is refused, in the words of each service.
public protocol RunningService: Pingable {
    /// Ends the work in order and waits for the thread. It may be called again, and from two sides at once: each call
    /// returns when the thread has ended. Not from a task, because it blocks, and never from the service's own thread.
    func stop()
}
