import CLinux
package import Concurrency
import Glibc

/// A file that is written under a temporary name beside its own, and has its own once it is whole and on the disk.
///
/// A regular file that stands there is replaced. What is anything else, a device, a pipe, a socket, a link, a
/// directory, is refused and stays as it is: renaming over it would take it from whoever uses it, and over `/dev/null`
/// or `/dev/stdout` from the whole system.
package struct OutputFile: ~Copyable {
    package enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// No file can be there, or something that is none stands there.
        case refused(String)
        case systemCall(SystemCallError)

        package var description: String {
            switch self {
            case .refused(let text): text
            case .systemCall(let error): error.description
            }
        }
    }

    package let path: String
    /// Where the bytes go until they are whole. Empty, its owner's alone, and not open here: SQLite may open it.
    package let unfinished: String
    /// A file of that name is there and is to be replaced; where none was, none that appears meanwhile is.
    private let replaces: Bool
    private var isPublished = false

    private let begun: UnfinishedFiles

    /// Makes the unfinished file.
    package init(_ path: String) throws(Failure) {
        try self.init(path, begun: .ofProcess)
    }

    init(_ path: String, begun: UnfinishedFiles) throws(Failure) {
        let holdsFile = try Self.holdsFile(path)
        var template = Array("\(Self.directory(of: path))/.leave-albumd.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Self.systemCall("making a file beside \(path)") }
        close(descriptor)
        self.path = path
        replaces = holdsFile
        unfinished = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.begun = begun
        begun.insert(unfinished)
    }

    deinit {
        if !isPublished { unlink(unfinished) }
        begun.forget(unfinished)
    }

    /// True if a regular file has that name, false if nothing has. Refuses whatever else stands there.
    package static func holdsFile(_ path: String) throws(Failure) -> Bool {
        guard !path.isEmpty else { throw .refused("a file without a name cannot be written") }
        guard path.utf8.last != UInt8(ascii: "/") else { throw .refused("\(path) is a directory; name a file") }
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard CLinux_errno() == ENOENT else { throw systemCall("looking at \(path)") }
            return false
        }
        let kind: String
        switch status.st_mode & S_IFMT {
        case S_IFREG: return true
        case S_IFLNK: kind = "a symbolic link"
        case S_IFDIR: kind = "a directory"
        case S_IFCHR, S_IFBLK: kind = "a device"
        case S_IFIFO: kind = "a pipe"
        case S_IFSOCK: kind = "a socket"
        default: kind = "no file"
        }
        throw .refused("\(path) is \(kind) and is not replaced; name a file, or - for standard output")
    }

    /// Adds bytes at the end. It blocks.
    package borrowing func write(_ bytes: [UInt8]) throws(Failure) {
        let descriptor = CLinux_open(unfinished, O_WRONLY | O_APPEND | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw Self.systemCall("opening \(unfinished)") }
        defer { close(descriptor) }
        guard writeAll(bytes, to: descriptor) else {
            throw Self.systemCall("writing \(unfinished), which becomes \(path)")
        }
    }

    /// Sets the file's mode; until then only its owner has access.
    package borrowing func permit(_ mode: UInt32) throws(Failure) {
        guard chmod(unfinished, mode) == 0 else { throw Self.systemCall("giving \(unfinished) its mode") }
    }

    /// Gives the file its name: durable when this returns.
    package consuming func publish() throws(Failure) {
        try Self.flush(unfinished)
        if try Self.holdsFile(path), replaces {
            guard rename(unfinished, path) == 0 else { throw Self.systemCall("renaming \(unfinished) to \(path)") }
        } else if CLinux_rename_new(unfinished, path) != 0 {
            guard CLinux_errno() == EEXIST else { throw Self.systemCall("renaming \(unfinished) to \(path)") }
            throw .refused("\(path) came to be while it was written, and is not replaced")
        }
        isPublished = true
        try Self.flush(directory: Self.directory(of: path) + "/")
    }

    // MARK: Calls

    private static func flush(_ path: String) throws(Failure) {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw systemCall("opening \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemCall("flushing \(path)") }
    }

    private static func flush(directory: String) throws(Failure) {
        let descriptor = CLinux_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            // Who may put files there and not list them has no way to flush it.
            if CLinux_errno() == EACCES { return }
            throw systemCall("opening \(directory)")
        }
        defer { close(descriptor) }
        // Some file systems have no such call for directories.
        guard fsync(descriptor) == 0 || CLinux_errno() == EINVAL else { throw systemCall("flushing \(directory)") }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "" : String(path[..<slash])
    }

    /// Takes errno, so it must be made directly after the call.
    private static func systemCall(_ attempted: String) -> Failure { .systemCall(SystemCallError(attempted)) }
}
