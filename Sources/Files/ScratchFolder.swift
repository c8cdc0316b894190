import CLinux
package import Concurrency
import Glibc

/// A folder that only this user can look into, gone with this value or with the process.
package struct ScratchFolder: ~Copyable {
    package let path: String
    private let begun: UnfinishedFiles
    private var made: [String] = []

    /// Made in `directory`.
    package init(in directory: String) throws(SystemCallError) {
        try self.init(in: directory, begun: .ofProcess)
    }

    init(in directory: String, begun: UnfinishedFiles) throws(SystemCallError) {
        var template = Array("\(directory)/.leave-albumd.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("making a folder in \(directory)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.begun = begun
        begun.insert(path)
    }

    deinit {
        for path in made.reversed() + [path] {
            Glibc.remove(path)
            begun.forget(path)
        }
    }

    private mutating func keep(_ path: String) {
        made.append(path)
        begun.insert(path)
    }

    /// `name` may be in a folder that was added before.
    package mutating func addFolder(_ name: String) throws(SystemCallError) {
        guard mkdir("\(path)/\(name)", 0o700) == 0 else { throw SystemCallError("making \(path)/\(name)") }
        keep("\(path)/\(name)")
    }

    package mutating func addFile(_ name: String, _ bytes: [UInt8]) throws(SystemCallError) {
        let file = "\(path)/\(name)"
        let descriptor = CLinux_open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCallError("creating \(file)") }
        defer { close(descriptor) }
        keep(file)
        guard writeAll(bytes, to: descriptor) else { throw SystemCallError("writing \(file)") }
    }
}

/// False if that failed; errno says why. It blocks.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if count == 0 || CLinux_errno() != EINTR {
            return false
        }
    }
    return true
}
