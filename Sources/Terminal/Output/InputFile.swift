import CLinux
import Glibc

/// A file or standard input, read to its end.
package enum InputFile {
    package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        package let path: String
        package let problem: String

        package var description: String { "\(path): \(problem)" }
    }

    private static let chunk = 1 << 16

    /// Standard input is a person's keyboard.
    package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// - Parameter path: nil or `-` is standard input.
    package static func read(_ path: String?) throws(Failure) -> [UInt8] {
        guard let path, path != "-" else { return try readAll(STDIN_FILENO, "standard input") }
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw Failure(path: path, problem: String(cString: strerror(CLinux_errno()))) }
        defer { close(descriptor) }
        return try readAll(descriptor, path)
    }

    /// Writes a file's bytes to a stream. The file has no name any more when the first is written.
    ///
    /// - Returns: false if nobody reads any more, or it cannot be written.
    package static func move(_ path: String, to stream: StandardStream) throws(Failure) -> Bool {
        let descriptor = CLinux_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw Failure(path: path, problem: String(cString: strerror(CLinux_errno()))) }
        defer { close(descriptor) }
        unlink(path)
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = try read(descriptor, path, into: &chunk)
            if count == 0 { return true }
            guard stream.write(chunk[..<count]) else { return false }
        }
    }

    private static func readAll(_ descriptor: Int32, _ name: String) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = try read(descriptor, name, into: &chunk)
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// 0 at the end.
    private static func read(
        _ descriptor: Int32, _ name: String, into chunk: inout [UInt8]
    ) throws(Failure) -> Int {
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count >= 0 { return count }
            guard CLinux_errno() == EINTR else {
                throw Failure(path: name, problem: String(cString: strerror(CLinux_errno())))
            }
        }
    }
}
