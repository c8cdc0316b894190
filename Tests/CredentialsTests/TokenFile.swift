import Glibc
import Testing

/// A token file in a directory of its own, both gone at the end.
final class TokenFile: Sendable {
    let path: String
    private let directory: String

    convenience init(_ content: String) throws {
        try self.init(Array(content.utf8))
    }

    init(_ content: [UInt8]) throws {
        var template = Array("/tmp/leave-albumd-tokens-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        directory = String(cString: made)
        path = "\(directory)/tokens"
        try replace(content)
    }

    deinit {
        unlink(path)
        rmdir(directory)
    }

    func replace(_ content: String) throws {
        try replace(Array(content.utf8))
    }

    private func replace(_ content: [UInt8]) throws {
        let file = try #require(fopen(path, "w"))
        fwrite(content, 1, content.count, file)
        fclose(file)
        setMode(0o600)
    }

    func setMode(_ mode: mode_t) {
        chmod(path, mode)
    }

    func remove() {
        unlink(path)
    }

    /// `account<TAB>token` lines.
    static func lines(_ grants: [(account: String, token: String)]) -> String {
        grants.map { "\($0.account)\t\($0.token)\n" }.joined()
    }
}
