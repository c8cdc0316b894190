import CLinux
import Concurrency
import Glibc

extension GrantStore {
    /// Beyond the places of accounts, which have seven bytes.
    private static let trialPlace: Int64 = 1 << 56

    /// Tries the locks that turns rest on: another process is refused a byte that this one has, and gets the one beside it.
    /// Whether they hold between hosts too, no host can find out alone.
    package func tryLocks() throws(GrantStoreError) {
        let path = lockPath
        let descriptor = CLinux_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw GrantStoreError(description: SystemCallError("opening \(path)").description)
        }
        defer { close(descriptor) }
        guard CLinux_lock_byte(descriptor, Self.trialPlace) == 0 else {
            throw GrantStoreError(
                description:
                    "\(SystemCallError("locking \(path)")): the file system of \(directory) has no locks, so that "
                    + "no daemons can share it")
        }
        let (own, free) = (
            CLinux_try_lock_elsewhere(path, Self.trialPlace), CLinux_try_lock_elsewhere(path, Self.trialPlace + 1)
        )
        guard own == CLINUX_LOCK_REFUSED, free == CLINUX_LOCK_TAKEN else {
            throw GrantStoreError(
                description:
                    "the locks of \(path) do not hold between processes, so that no daemons can share \(directory)")
        }
    }

    /// What a grant's file has in it is nobody's but the account's: the locks are in a file beside.
    var lockPath: String { "\(directory)/.lock" }
}
