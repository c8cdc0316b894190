import CCrypto
import Glibc

/// A file of secrets as it was at one moment.
public struct SecretFileContents: Sendable {
    /// All its bytes, as they are.
    public let secret: Secret
    /// Whether the file's group or other users may read it.
    public let isReadableByOthers: Bool

    /// A secret file is a few bytes, a list of tokens for a hundred thousand accounts some megabytes. What is larger
    /// is another file by mistake.
    public static let largest = 64 << 20

    /// Reads the whole file. It blocks, as files do.
    ///
    /// - Throws: what could not be done, in the system's words; without the path, which the caller names.
    public init(path: String) throws(SecretFileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(code: errno) }
        // A FIFO or a terminal would never end; O_NONBLOCK keeps open from waiting for its writer.
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        guard status.st_size <= Self.largest else { throw .tooLarge }

        // One byte more than it had, so that a file which grows while it is read is seen to.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size) + 1, alignment: 1)
        defer {
            OPENSSL_cleanse(buffer.baseAddress, buffer.count)
            buffer.deallocate()
        }
        var count = 0
        while count < buffer.count {
            let part = read(descriptor, buffer.baseAddress.map { $0 + count }, buffer.count - count)
            if part == 0 { break }
            if part > 0 {
                count += part
            } else if errno != EINTR {
                throw .unreadable(code: errno)
            }
        }
        guard count < buffer.count else { throw .changing }
        secret = Secret(copying: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        isReadableByOthers = status.st_mode & (S_IRGRP | S_IROTH) != 0
    }
}

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
