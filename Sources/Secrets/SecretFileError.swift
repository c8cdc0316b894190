import Glibc

/// Why a file of secrets cannot be read.
public enum SecretFileError: Error, Equatable, Sendable, CustomStringConvertible {
    /// errno.
    case unreadable(code: Int32)
    case notAFile
    case tooLarge
    /// It grew while it was read: its writer does not replace it by renaming.
    case changing

    public var description: String {
        switch self {
        case .unreadable(let code): "it cannot be read: \(String(cString: strerror(code)))"
        case .notAFile: "it is not a regular file"
        case .tooLarge: "it is larger than \(SecretFileContents.largest >> 20) MiB"
        case .changing: "it is being written; replace it by renaming a complete one over it"
        }
    }
}
