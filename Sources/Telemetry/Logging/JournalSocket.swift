import CSystemd
import Glibc

/// The door to journald.
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
