import Clocks

/// One assignment of sd_notify(3)'s protocol: what a service tells its manager.
package enum Notification: Equatable, Sendable {
    /// Start-up is over, or a reload is.
    case ready
    /// A reload begins; the time is of CLOCK_MONOTONIC, in microseconds.
    case reloading(monotonicMicroseconds: Int64)
    case stopping
    /// The watchdog's timer starts anew.
    case watchdog
    /// One line for people.
    case status(String)
    /// The start or stop under way may take so much longer, from now on.
    case extendTimeout(Duration)

    /// As it goes over the socket; two lines for a reload.
    var text: String {
        switch self {
        case .ready: "READY=1"
        case .reloading(let time): "RELOADING=1\nMONOTONIC_USEC=\(time)"
        case .stopping: "STOPPING=1"
        case .watchdog: "WATCHDOG=1"
        case .status(let line): "STATUS=\(Self.oneLine(line))"
        case .extendTimeout(let time): "EXTEND_TIMEOUT_USEC=\(time.milliseconds * 1000)"
        }
    }

    /// A newline would begin another assignment. Managers cut long lines anyway.
    private static func oneLine(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(longestStatus).map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) })
    }

    /// What `systemctl status` shows without harm.
    private static let longestStatus = 400
}
