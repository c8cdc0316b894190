import CLinux
import CSystemd
import Clocks
import Glibc

/// Tells the service manager, over the socket that `NOTIFY_SOCKET` names; without one it does nothing.
package struct Notifier: Sendable {
    private let send: @Sendable (String) -> Void

    /// `send` gets the assignments of one datagram, a line each.
    package init(send: @escaping @Sendable (String) -> Void) {
        self.send = send
    }

    /// Of this process's service manager. Its socket is opened here and kept.
    package static var systemd: Notifier {
        if let name = getenv("NOTIFY_SOCKET"), let socket = NotifySocket(name: String(cString: name)) {
            return Notifier { socket.send($0) }
        }
        // A manager that does not listen is no reason to stop: it will say so itself, by killing the service.
        return Notifier { _ = sd_notify(0, $0) }
    }

    package func notify(_ notifications: [Notification]) {
        guard !notifications.isEmpty else { return }
        send(notifications.map(\.text).joined(separator: "\n"))
    }

    /// How often the manager wants to hear that the service lives; nil if it does not watch this process.
    package static var watchdogTime: Duration? {
        var microseconds: UInt64 = 0
        // https://www.freedesktop.org/software/systemd/man/latest/sd_watchdog_enabled.html
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// The time that a reload's notification carries.
    package static var monotonicMicroseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
