import CLinux

/// An eventfd that wakes a thread out of poll(2). `signal` may be called from any thread.
public final class Wake: Sendable {
    /// Readable while a signal is pending. Poll it; do not read or close it.
    public let descriptor: Int32

    public init() throws(SystemCallError) {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemCallError("eventfd") }
    }

    deinit { close(descriptor) }

    public func signal() {
        // EAGAIN means that the counter is full, and so that the thread is woken anyway.
        _ = eventfd_write(descriptor, 1)
    }

    /// Takes back all pending signals. For the woken thread.
    public func clear() {
        var count: eventfd_t = 0
        _ = eventfd_read(descriptor, &count)
    }
}
