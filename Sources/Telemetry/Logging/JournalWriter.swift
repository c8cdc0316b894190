import CSystemd
import Concurrency
import Glibc

/// Writes lines to the journal, and to standard error while it cannot be reached.
final class JournalWriter: Sendable {
    private let send: @Sendable ([[UInt8]]) -> Int32
    private let writeError: @Sendable (String) -> Void
    // Set by whoever writes a line.
    private let isReachable = Lock(true)

    /// `send` gives 0 or errno; `writeError` gets a line without its end.
    init(
        send: @escaping @Sendable ([[UInt8]]) -> Int32 = { JournalSocket.send($0) },
        writeError: @escaping @Sendable (String) -> Void = { StandardError.write($0) }
    ) {
        self.send = send
        self.writeError = writeError
    }

    func write(_ line: LogLine, hashesAccounts: Bool, showsCode: Bool) {
        let code = send(line.journalFields(hashesAccounts: hashesAccounts))
        let wasReachable = isReachable.withLock { state in
            defer { state = code == 0 }
            return state
        }
        guard code != 0 else { return }
        // Said once, not beside every line; and again after it was there for a while.
        if wasReachable {
            let fault = SystemCallError("the journal cannot be reached, so lines go to standard error", code: code)
            writeError("<\(LogLevel.warning.priority)>\(fault)")
        }
        // https://www.freedesktop.org/software/systemd/man/latest/sd-daemon.html
        // The number in front is what systemd reads a line's priority from (sd-daemon(3)).
        writeError(
            "<\(line.level.priority)>\(line.text(hashesAccounts: hashesAccounts, showsCode: showsCode))")
    }
}

/// What writes to journald.
enum JournalSocket {
    private static let path = "/run/systemd/journal/socket"

    /// Sends one entry of `NAME=value` fields. 0, or errno. It waits while journald's queue is full, as a write to
    /// standard error would.
    static func send(_ fields: [[UInt8]]) -> Int32 {
        // The library says that all is well where no journald runs.
        guard access(path, W_OK) == 0 else { return errno }
        var bytes = Array(fields.joined())
        return bytes.withUnsafeMutableBytes { buffer in
            var offset = 0
            let vectors = fields.map { field in
                defer { offset += field.count }
                return iovec(iov_base: buffer.baseAddress.map { $0 + offset }, iov_len: field.count)
            }
            return -sd_journal_sendv(vectors, Int32(vectors.count))
        }
    }
}
