import CLinux
import Concurrency
import Glibc
import Jobs
import Secrets

/// The right to rotate one account's grant, across processes: a lock on one byte of the directory's lock file, at the
/// place that the account's hash names.
final class GrantLock: Sendable {
    // Negative once it is released.
    private let descriptor: Lock<Int32>

    init(directory: String, account: AccountID) throws(GrantStoreError) {
        let path = "\(directory)/.lock"
        let descriptor = CLinux_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GrantStoreError(description: SystemCallError("opening \(path)").description)
        }
        let hash = SHA256Digest(of: account.utf8).bytes
        // Of an open file description, so that threads of one process exclude each other as well.
        let place = hash.prefix(7).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        guard CLinux_lock_byte(descriptor, place) == 0 else {
            let error = SystemCallError("locking \(path)")
            close(descriptor)
            throw GrantStoreError(description: error.description)
        }
        self.descriptor = Lock(descriptor)
    }

    deinit { release() }

    func release() {
        let held = descriptor.withLock { descriptor in
            defer { descriptor = -1 }
            return descriptor
        }
        if held >= 0 { close(held) }
    }
}
