import CLinux
package import Ledger

/// What kind of file system a ledger may be on: not one where another host, or another process behind it, can change
/// the file. SQLite's log needs memory that all its users share, and its locks, and ours, hold on one host only
/// (https://sqlite.org/wal.html, 2).
package enum LedgerFileSystem {
    /// As in statfs(2), by what `man` and `mount` call them.
    private static let shared: [(magic: Int, name: String)] = [
        (0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB"), (0x517B, "SMB"), (0x6573_5546, "FUSE"),
        (0x0102_1997, "9P"), (0x5346_414F, "AFS"), (0x6B41_4653, "AFS"), (0x7375_7245, "Coda"), (0x564C, "NCP"),
        (0x00C3_6400, "Ceph"), (0x0BD0_0BD0, "Lustre"), (0x1983_0326, "BeeGFS"), (0x4750_4653, "GPFS"),
        (0x2003_0528, "OrangeFS"), (0xAAD7_AAEA, "PanFS"), (0x0116_1970, "GFS2"), (0x7461_636F, "OCFS2"),
        (0x786F_4256, "a folder of the VirtualBox host"), (0xBACB_ACBC, "a folder of the VMware host"),
    ]

    /// The kind that a file is on, or will be on: its magic number, or nil if the kernel does not say.
    package static func kind(of path: String) -> Int? {
        for place in [path, LedgerDisk.directory(of: path)] {
            let magic = CLinux_file_system(place)
            if magic >= 0 { return Int(magic) }
        }
        return nil
    }

    /// Throws `.unusable` if `path` is on a file system that others share.
    ///
    /// - Parameter kind: asks the kernel; a test has an answer of its own.
    package static func requireLocal(
        _ path: String, kind: (_ path: String) -> Int? = kind(of:)
    ) throws(LedgerError) {
        guard let found = kind(path), let name = shared.first(where: { $0.magic == found })?.name else { return }
        throw .unusable(
            "ledger \(path) is on a file system that is not this host's alone (\(name)): SQLite's locks and its log do "
                + "not hold there, and two daemons could write it at once; set ledger.path to a file on a local disk")
    }
}
