public import Secrets

/// A file that a `*_file` key names.
public struct SecretFile: Equatable, Sendable {
    /// The key as the operator writes it: `broker.password_file`.
    public let key: String
    /// Absolute: a relative name was looked up in `$CREDENTIALS_DIRECTORY`.
    public let path: String

    public init(key: String, path: String) {
        self.key = key
        self.path = path
    }

    /// The secret that is the file's content, without one newline at its end. It blocks, as files do.
    ///
    /// - Throws: a fault that names the file and the key, also when the file is empty.
    public func read() throws(SettingsFault) -> Secret {
        let contents: SecretFileContents
        do throws(SecretFileError) {
            contents = try SecretFileContents(path: path)
        } catch {
            throw SettingsFault(.file(path), key: key, error.description)
        }
        let secret = contents.secret.withUnsafeBytes { bytes in
            var end = bytes.count
            if bytes.last == UInt8(ascii: "\n") {
                end -= 1
                if end > 0, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
            }
            return Secret(copying: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        }
        guard !secret.isEmpty else { throw SettingsFault(.file(path), key: key, "the file is empty") }
        return secret
    }
}
