import Glibc

/// The disk that a ledger is on, asked of the kernel: known also while the ledger itself cannot answer, which is when
/// somebody wants to know.
package enum LedgerDisk {
    /// Bytes that this user may still write beside the file. Nil if the kernel does not say. A network's file system
    /// may take its time.
    package static func freeBytes(path: String) -> Int? {
        var disk = statvfs()
        guard statvfs(path, &disk) == 0 else { return nil }
        return Int(disk.f_bavail) * Int(disk.f_frsize)
    }

    /// The directory that a file of that path is in.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
