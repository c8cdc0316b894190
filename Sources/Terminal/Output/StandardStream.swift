import CLinux
import Glibc
import Synchronization

/// Standard output or standard error of this process.
///
/// What becomes of output is not each command's to remember: a write that fails is kept, and `outputFailure()`, which
/// every end of a process asks, tells it. A command needs `write`'s answer only where going on would be in vain.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    package var isTerminal: Bool { isatty(rawValue) == 1 }

    /// The terminal's width; nil if it is none or does not know.
    package var columns: Int? {
        var size = winsize()
        guard isTerminal, ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Writes all of it, waiting as long as the reader takes.
    ///
    /// - Returns: false if nobody reads any more, or it cannot be written.
    @discardableResult
    package func write(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    @discardableResult
    package func write(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.withContiguousStorageIfAvailable { write(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { write($0) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if self == .output { Self.isUsed.store(true, ordering: .relaxed) }
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(rawValue, rest.baseAddress, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if CLinux_errno() == EAGAIN {
                var waiting = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            } else if CLinux_errno() != EINTR {
                if self == .output { Self.keep(CLinux_errno()) }
                return false
            }
        }
        return true
    }

    // MARK: What became of standard output

    /// errno of the first write of standard output that failed; 0 while none has. Any thread writes it, whoever ends
    /// the process reads it.
    private static let firstFailure = Atomic<Int32>(0)
    /// Something was to be written there.
    private static let isUsed = Atomic<Bool>(false)

    private static func keep(_ code: Int32) {
        _ = firstFailure.compareExchange(expected: 0, desired: code, ordering: .relaxed)
    }

    /// Standard output lost something that somebody would have read: a full disk, not a reader who has gone.
    package static var hasLostOutput: Bool {
        let code = firstFailure.load(ordering: .relaxed)
        return code != 0 && code != EPIPE
    }

    /// Why what was written on standard output is not there; nil if it is, or if its reader has gone, which is the
    /// reader's own wish. Closes one descriptor of it, because some file systems tell only then.
    package static func outputFailure() -> String? {
        if isUsed.load(ordering: .relaxed), firstFailure.load(ordering: .relaxed) == 0 {
            let descriptor = dup(output.rawValue)
            if descriptor >= 0, close(descriptor) != 0 { keep(CLinux_errno()) }
        }
        guard hasLostOutput else { return nil }
        return "standard output: \(String(cString: strerror(firstFailure.load(ordering: .relaxed))))"
    }
}
