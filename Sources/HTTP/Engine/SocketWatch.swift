import CCurl
import CLinux
import Clocks
import Concurrency
import Glibc

/// What libcurl waits for, its sockets and its next time, in one epoll with the mailbox: a wake costs what happened,
/// not how much is under way. The engine's thread only.
final class SocketWatch {
    private struct Socket {
        // What libcurl wants to hear, and what epoll was told; 0 is nothing.
        var wanted: UInt32 = 0
        var registered: UInt32 = 0
        // Libcurl says when it opens and closes it; of others, as its resolver has, it says only what it wants.
        var isConnection = false
    }

    private let epoll: Epoll
    private let longestUnacknowledged: Duration
    private let clock = SystemTimeSource()
    // By descriptor, of which the kernel gives the lowest that is free.
    private var sockets: [Socket] = []
    /// When libcurl wants to be called in any case: once, and it does not take back what it was called for.
    private(set) var deadline: MonotonicTime?

    /// - Parameter longestUnacknowledged: after which the kernel gives up what it has sent and nobody acknowledged.
    init(_ epoll: Epoll, unacknowledgedAtMost longestUnacknowledged: Duration) {
        self.epoll = epoll
        self.longestUnacknowledged = longestUnacknowledged
    }

    /// True, once, when libcurl's time has come.
    func takeDue() -> Bool {
        guard let deadline, deadline <= clock.now() else { return false }
        self.deadline = nil
        return true
    }

    /// Waits until something happens, or for so long. What happened to libcurl's sockets it is handed, in its own
    /// words.
    /// - Parameter wakeUp: called when the wait is over, before anything is handed over.
    /// - Returns: false if nothing happened at all.
    func wait(
        atMost longest: Duration, waking wakeUp: () -> Void = {},
        _ act: (_ descriptor: Int32, _ events: Int32) -> Void
    ) -> Bool {
        var sleep = longest
        if longest > .zero, let deadline { sleep = min(longest, deadline - clock.now()) }
        return epoll.wait(atMost: sleep, waking: wakeUp) { descriptor, events in take(descriptor, events, act) }
    }

    private func take(_ descriptor: Int32, _ events: UInt32, _ act: (Int32, Int32) -> Void) {
        // The mailbox is not among them, and only ends the wait.
        guard sockets.indices.contains(Int(descriptor)) else { return }
        guard sockets[Int(descriptor)].wanted != 0 else { return notify(descriptor, 0) }
        var registered: Int32 = 0
        // Of what is wrong libcurl finds out more by itself, for which it is told nothing.
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) == 0 {
            if events & EPOLLIN.rawValue != 0 { registered |= CURL_CSELECT_IN }
            if events & EPOLLOUT.rawValue != 0 { registered |= CURL_CSELECT_OUT }
        }
        act(descriptor, registered)
    }

    // MARK: What libcurl says

    func want(_ descriptor: Int32, _ what: Int32) {
        let wanted: UInt32 =
            switch what {
            case CURL_POLL_IN: EPOLLIN.rawValue
            case CURL_POLL_OUT: EPOLLOUT.rawValue
            case CURL_POLL_INOUT: EPOLLIN.rawValue | EPOLLOUT.rawValue
            default: 0
            }
        know(descriptor)
        let before = sockets[Int(descriptor)].wanted
        sockets[Int(descriptor)].wanted = wanted
        // The next request mostly takes the connection at once. If it speaks before, epoll is told then. One that was
        // still connecting, and so wanted for writing alone, libcurl closes without another word.
        if wanted == 0, sockets[Int(descriptor)].isConnection, before & EPOLLIN.rawValue != 0 { return }
        if wanted == 0 { sockets[Int(descriptor)].isConnection = false }
        notify(descriptor, wanted)
    }

    /// Whether the kernel has promised to give up in time what it has sent and nobody acknowledged. Without that promise a
    /// call could arrive when its lease is over, so that none is made over such a connection. A socket of this host's loses
    /// nothing on a way.
    @discardableResult
    func opened(_ descriptor: Int32) -> Bool {
        know(descriptor)
        sockets[Int(descriptor)] = Socket(isConnection: true)
        // Without it the kernel goes on sending what the network lost for minutes, also after the socket was closed and
        // its process was killed: a request would arrive that everybody took for over.
        // https://man7.org/linux/man-pages/man7/tcp.7.html
        var milliseconds = UInt32(clamping: longestUnacknowledged.milliseconds)
        var domain: Int32 = 0
        var size = socklen_t(4)
        if getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0, domain == AF_UNIX { return true }
        return setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, 4) == 0
    }

    /// Closes it.
    func end(_ descriptor: Int32) {
        if sockets.indices.contains(Int(descriptor)) {
            notify(descriptor, 0)
            sockets[Int(descriptor)] = Socket()
        }
        close(descriptor)
    }

    /// - Parameter milliseconds: from now; -1 is never.
    func setTime(_ milliseconds: Int) {
        deadline = milliseconds < 0 ? nil : clock.now() + .milliseconds(milliseconds)
    }

    // MARK: epoll

    private func know(_ descriptor: Int32) {
        let missing = Int(descriptor) + 1 - sockets.count
        if missing > 0 { sockets.append(contentsOf: repeatElement(Socket(), count: missing)) }
    }

    private func notify(_ descriptor: Int32, _ events: UInt32) {
        let registered = sockets[Int(descriptor)].registered
        guard events != registered else { return }
        sockets[Int(descriptor)].registered = events
        do throws(SystemCallError) {
            if events == 0 {
                try epoll.remove(descriptor)
            } else if registered == 0 {
                try epoll.add(descriptor, events)
            } else {
                do throws(SystemCallError) {
                    try epoll.change(descriptor, to: events)
                } catch {
                    // Closed and opened again behind our back: another socket by the same number.
                    guard error.code == ENOENT else { throw error }
                    try epoll.add(descriptor, events)
                }
            }
        } catch {
            // One that is closed already is no longer watched; without the others a transfer would hang.
            precondition(events == 0, "\(error)")
        }
    }
}
