import CLinux
import Concurrency
import Glibc

/// A folder of files that only this user writes and reads. What somebody else may have written there is not believed.
package struct PrivateFolder: Sendable {
    package typealias Failure = OutputFile.Failure

    package let path: String

    /// Makes the folder where there is none; the one that it is to be in must be there.
    package init(_ path: String) throws(Failure) {
        guard mkdir(path, 0o700) == 0 || CLinux_errno() == EEXIST else { throw Self.systemCall("making \(path)") }
        var status = stat()
        guard stat(path, &status) == 0 else { throw Self.systemCall("looking at \(path)") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .refused("\(path) is no directory") }
        guard status.st_uid == geteuid() else { throw .refused("\(path) belongs to another user") }
        guard status.st_mode & 0o022 == 0 else { throw .refused("others may write into \(path)") }
        guard access(path, R_OK | W_OK | X_OK) == 0 else { throw Self.systemCall("using \(path)") }
        self.path = path
    }

    /// What is there, in the order of the names' bytes.
    package func names() throws(Failure) -> [String] {
        guard let folder = opendir(path) else { throw Self.systemCall("listing \(path)") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
                start.withMemoryRebound(to: CChar.self, capacity: Self.mostOfAName) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// With the NUL at its end.
    private static let mostOfAName = 256

    /// All of a file; nil if there is none.
    ///
    /// - Throws: `.refused` for what is no regular file, is another user's, may be read by others, or has more than `most`
    ///   bytes.
    package func read(_ name: String, atMost most: Int) throws(Failure) -> [UInt8]? {
        let file = "\(path)/\(name)"
        // Whoever opens a pipe that nobody writes would wait for it.
        let descriptor = CLinux_open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            switch CLinux_errno() {
            case ENOENT: return nil
            case ELOOP: throw .refused("\(file) is a symbolic link")
            default: throw Self.systemCall("opening \(file)")
            }
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.systemCall("looking at \(file)") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .refused("\(file) is no regular file") }
        guard status.st_uid == geteuid() else { throw .refused("\(file) belongs to another user") }
        guard status.st_mode & 0o077 == 0 else { throw .refused("others may read \(file)") }
        guard status.st_size <= most else { throw .refused("\(file) has \(status.st_size) bytes, more than \(most)") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if got > 0 {
                count += got
            } else if got == 0 {
                break
            } else if CLinux_errno() != EINTR {
                throw Self.systemCall("reading \(file)")
            }
        }
        return Array(bytes.prefix(count))
    }

    /// Durable when it returns, whole or not at all; a file of that name is replaced. It blocks.
    package func write(_ name: String, _ bytes: [UInt8]) throws(Failure) {
        let file = try OutputFile("\(path)/\(name)")
        try file.write(bytes)
        try file.publish()
    }

    /// What is gone already is gone. A crash soon after may bring it back.
    package func remove(_ name: String) throws(Failure) {
        guard unlink("\(path)/\(name)") == 0 || CLinux_errno() == ENOENT else {
            throw Self.systemCall("removing \(path)/\(name)")
        }
    }

    package func rename(_ name: String, to other: String) throws(Failure) {
        guard Glibc.rename("\(path)/\(name)", "\(path)/\(other)") == 0 else {
            throw Self.systemCall("renaming \(path)/\(name) to \(other)")
        }
    }

    /// Takes errno, so it must be made directly after the call.
    private static func systemCall(_ attempted: String) -> Failure { .systemCall(SystemCallError(attempted)) }
}
