import CLinux
import Glibc

/// Standard output or standard error of this process.
public enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// The terminal's width; nil if it is none or does not know.
    public var columns: Int? {
        var size = winsize()
        guard isTerminal, ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Writes all of it, waiting as long as the reader takes.
    ///
    /// - Returns: false if nobody reads any more.
    @discardableResult
    public func write(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(rawValue, rest.baseAddress, rest.count)
                if count >= 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                } else if CLinux_errno() == EAGAIN {
                    var waiting = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, -1)
                } else if CLinux_errno() != EINTR {
                    return false
                }
            }
            return true
        }
    }
}
