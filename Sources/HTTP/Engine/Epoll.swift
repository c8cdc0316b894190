import CLinux
import Clocks
import Concurrency

/// An epoll(7). Sendable, so that whoever starts a thread can hear that there is none left; used by one thread.
final class Epoll: Sendable {
    private let descriptor: Int32

    init() throws(SystemCallError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemCallError("epoll_create1") }
    }

    deinit { close(descriptor) }

    func add(_ watched: Int32, _ events: UInt32) throws(SystemCallError) {
        try control(EPOLL_CTL_ADD, watched, events)
    }

    func change(_ watched: Int32, to events: UInt32) throws(SystemCallError) {
        try control(EPOLL_CTL_MOD, watched, events)
    }

    func remove(_ watched: Int32) throws(SystemCallError) {
        try control(EPOLL_CTL_DEL, watched, 0)
    }

    private func control(_ operation: Int32, _ watched: Int32, _ events: UInt32) throws(SystemCallError) {
        var event = epoll_event(events: events, data: epoll_data_t(fd: watched))
        guard epoll_ctl(descriptor, operation, watched, &event) == 0 else { throw SystemCallError("epoll_ctl") }
    }

    /// Waits for events, and hands over each of them.
    /// - Parameter timeout: zero does not wait.
    /// - Parameter wakeUp: called when the wait is over, before the first.
    /// - Returns: false if time ran out.
    func wait(
        atMost timeout: Duration, waking wakeUp: () -> Void, _ take: (_ watched: Int32, _ events: UInt32) -> Void
    ) -> Bool {
        return withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.batch) { events in
            // Headers of newer releases take no nil there.
            guard let first = events.baseAddress else { preconditionFailure("there is room for a batch") }
            let count = epoll_wait(descriptor, first, Int32(Self.batch), timeout.pollTimeout)
            precondition(count >= 0 || CLinux_errno() == EINTR, "an epoll of our own can be waited for")
            wakeUp()
            for event in events.prefix(Int(max(0, count))) { take(event.data.fd, event.events) }
            return count != 0
        }
    }

    /// Events of one wake; what is left comes with the next.
    private static let batch = 64
}
