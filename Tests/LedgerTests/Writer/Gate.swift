import CLinux
import Concurrency

/// Keeps a thread where it is until a test opens the gate.
final class Gate: Sendable {
    private let wake: Wake

    init() throws {
        wake = try Wake()
    }

    func open() {
        wake.signal()
    }

    /// Blocks the calling thread. Never for a task.
    func pass() {
        var descriptor = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&descriptor, 1, -1)
    }
}
