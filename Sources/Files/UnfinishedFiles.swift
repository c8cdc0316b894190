import Glibc
import Threads

/// Files that have no name of their own yet. `exit` ends no scope, so whoever ends the process takes them away.
public final class UnfinishedFiles: Sendable {
    public static let ofProcess = UnfinishedFiles()

    private let paths = Lock<Set<String>>([])

    func insert(_ path: String) {
        paths.withLock { _ = $0.insert(path) }
    }

    func forget(_ path: String) {
        paths.withLock { _ = $0.remove(path) }
    }

    /// For the last moment of the process.
    public func remove() {
        for path in paths.withLock({ $0 }) { unlink(path) }
    }
}
