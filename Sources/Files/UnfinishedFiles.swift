import Concurrency
import Glibc

/// Files and folders that are nobody's to find. `exit` ends no scope, so whoever ends the process takes them away.
package final class UnfinishedFiles: Sendable {
    package static let ofProcess = UnfinishedFiles()

    /// In the order in which they were made: a folder before what is in it.
    private let paths = Lock<[String]>([])

    func insert(_ path: String) {
        paths.withLock { $0.append(path) }
    }

    func forget(_ path: String) {
        paths.withLock { $0.removeAll { $0 == path } }
    }

    /// For the last moment of the process.
    package func remove() {
        for path in paths.withLock({ $0 }).reversed() { Glibc.remove(path) }
    }
}
