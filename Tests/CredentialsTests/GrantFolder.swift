import Glibc
import Secrets

func secret(_ text: String) -> Secret { Secret(copying: Array(text.utf8)) }

/// A folder that goes with its owner.
final class GrantFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/grants-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? ""
    }

    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(withUnsafePointer(to: &entry.pointee.d_name.0) { String(cString: $0) })
        }
        return names.filter { $0 != "." && $0 != ".." }
    }

    deinit {
        for name in names { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
