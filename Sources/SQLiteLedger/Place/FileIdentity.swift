import CLinux
import Glibc

/// Which file it is, whatever its name: asked without opening it, because closing a descriptor of a ledger's file would
/// drop the locks that SQLite holds on it (https://sqlite.org/howtocorrupt.html, 2.2).
struct FileIdentity: Hashable, Sendable {
    let device: dev_t
    let number: ino_t

    /// Nil if there is no file of that name, or it cannot be looked at.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Of an open file, by whatever name it goes by now, or by none.
    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        device = status.st_dev
        number = status.st_ino
    }
}
