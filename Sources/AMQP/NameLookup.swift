import CLinux
import Glibc
import Threads

/// Looks names up, and does not wait longer for that than it is told.
///
/// getaddrinfo(3) knows no deadline: three name servers that do not answer hold it for half a minute, and a link's
/// thread with it, which the watchdog would take for stuck. So it has a thread of its own, one for a name: whoever asks
/// while it is out waits for the same answer.
final class NameLookup: Sendable {
    static let system = NameLookup { host in
        var addresses: UnsafeMutablePointer<addrinfo>?
        if getaddrinfo(host, nil, nil, &addresses) == 0 { freeaddrinfo(addresses) }
    }

    private let lookUp: @Sendable (String) -> Void
    /// Names that are being looked up. Each wake is signalled once, and stays so for all who wait.
    // Written by whoever asks and by the threads that look up, under the lock.
    private let pending = Lock<[String: Wake]>([:])

    /// `lookUp` blocks until the name is found or not.
    init(lookUp: @escaping @Sendable (String) -> Void) {
        self.lookUp = lookUp
    }

    /// Whether the lookup came to an end, good or bad, in time. Blocks for at most `budget`; not from a task.
    func ends(_ host: String, within budget: Duration) throws(SystemCallError) -> Bool {
        let fresh = try Wake()
        let wake = pending.withLock { pending in
            if let wake = pending[host] { return wake }
            pending[host] = fresh
            return fresh
        }
        if wake === fresh {
            do throws(SystemCallError) {
                _ = try NativeThread(name: "name lookup", detached: true) { [self] in
                    lookUp(host)
                    finish(host, wake)
                }
            } catch {
                finish(host, wake)
                throw error
            }
        }
        var descriptor = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, Int32(clamping: budget.milliseconds)) > 0
    }

    private func finish(_ host: String, _ wake: Wake) {
        pending.withLock { $0[host] = nil }
        wake.signal()
    }
}
