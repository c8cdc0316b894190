import CLinux
import Clocks
import Concurrency
import Glibc
import Synchronization

/// Frees a thread that is stuck in the library: a send that never ends gives up when its socket is shut down.
///
/// It holds a duplicate of the socket, because the library closes its own and the number may be another file's by then.
final class StallGuard: Sendable {
    private struct State {
        var duplicate: Int32 = -1
        var isDone = false
    }

    // Written by the link's thread, read by the guard's, under the lock.
    private let state = Lock(State())
    // Nanoseconds of the monotonic clock, 0 outside of the library. Written by the link's thread around each call, read
    // by the guard's.
    private let busySince = Atomic<Int64>(0)
    private let wake: Wake
    private let limit: Duration
    private let clock: any TimeSource
    private let shutDown: @Sendable (Int32) -> Void

    /// `limit`: how long one stay in the library may last. The clock and what shuts a socket down are a test's to
    /// replace: they are where two threads would meet that must not.
    init(
        limit: Duration, clock: any TimeSource = SystemTimeSource(),
        shutDown: @escaping @Sendable (Int32) -> Void = { shutdown($0, Int32(SHUT_RDWR)) }
    ) throws(SystemCallError) {
        self.limit = limit
        self.clock = clock
        self.shutDown = shutDown
        wake = try Wake()
        let guardian = Guardian(self)
        _ = try NativeThread(name: "amqp guard", detached: true) { guardian.watch() }
    }

    /// False, with errno, if there is no descriptor for the duplicate: the connection is then not watched.
    @discardableResult
    func watch(descriptor: Int32) -> Bool {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        let old = state.withLock { state in
            defer { state.duplicate = copy }
            return state.duplicate
        }
        if old >= 0 { close(old) }
        return copy >= 0
    }

    func forget() {
        let old = state.withLock { state in
            defer { state.duplicate = -1 }
            return state.duplicate
        }
        if old >= 0 { close(old) }
    }

    func entered() {
        busySince.store(clock.now().nanoseconds, ordering: .relaxed)
    }

    func left() {
        busySince.store(0, ordering: .relaxed)
    }

    func end() {
        forget()
        state.withLock { $0.isDone = true }
        wake.signal()
    }

    /// Cuts the connection from outside: what the link's thread is waiting for fails at once.
    func cut() {
        state.withLock { state in
            if state.duplicate >= 0 { shutDown(state.duplicate) }
        }
    }

    fileprivate func check() -> Bool {
        var descriptor = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        // Not looking for work: looking whether a call that should take microseconds has taken seconds.
        poll(&descriptor, 1, Int32(clamping: limit.milliseconds / 2))
        return state.withLock { state in
            // Under the lock, so that the time of a call on one connection is not held against the next.
            let since = busySince.load(ordering: .relaxed)
            let now = clock.now()
            if since > 0, now - MonotonicTime(nanoseconds: since) > limit, state.duplicate >= 0 {
                shutDown(state.duplicate)
            }
            return !state.isDone
        }
    }
}

/// What the guard's thread runs; it lets go of the guard when that is told to end.
private struct Guardian: Sendable {
    let stallGuard: StallGuard

    init(_ stallGuard: StallGuard) {
        self.stallGuard = stallGuard
    }

    func watch() {
        while stallGuard.check() {}
    }
}
