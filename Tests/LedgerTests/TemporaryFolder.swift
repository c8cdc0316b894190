import Glibc

/// A folder of its own for a test, gone with the last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/ledger-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("a test needs a temporary folder: errno \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var ledger: String { path + "/ledger.sqlite3" }

    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
                start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// All bytes of a file; empty if there is none.
func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&part, 1, part.count, file)
        if count == 0 { return bytes }
        bytes += part.prefix(count)
    }
}

/// Writes `bytes` into the file at `offset`, making it if need be.
func write(_ bytes: [UInt8], to path: String, at offset: Int = 0) {
    guard let file = fopen(path, "r+") ?? fopen(path, "w") else {
        preconditionFailure("a test writes into its own folder: errno \(errno)")
    }
    defer { fclose(file) }
    fseek(file, offset, SEEK_SET)
    fwrite(bytes, 1, bytes.count, file)
}
