import Files
import Glibc
import Terminal

/// Where a command writes what it makes: a file, or with `-` standard output, unless a person looks at that.
enum OutputTarget {
    case file(String)
    case standardOutput

    /// Refuses at once what can be written at no time.
    init(_ name: String) throws(CommandFailure) {
        guard name != "-" else {
            guard !StandardStream.output.isTerminal else {
                throw CommandFailure(.usage, "standard output is a terminal; send it to a file or a program")
            }
            self = .standardOutput
            return
        }
        do throws(OutputFile.Failure) {
            _ = try OutputFile.holdsFile(name)
        } catch {
            throw CommandFailure(error)
        }
        self = .file(name)
    }

    /// A directory for what is on its way there.
    var scratch: String {
        switch self {
        case .file(let path): path.contains("/") ? String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        case .standardOutput: getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        }
    }

    /// Whole or not at all, if it is a file.
    func write(_ bytes: [UInt8]) throws(CommandFailure) {
        switch self {
        case .standardOutput: StandardStream.output.write(bytes)
        case .file(let path):
            do throws(OutputFile.Failure) {
                let file = try OutputFile(path)
                try file.write(bytes)
                try file.publish()
            } catch {
                throw CommandFailure(error)
            }
        }
    }
}

extension CommandFailure {
    init(_ failure: OutputFile.Failure) {
        self.init(.cannotCreateFile, failure.description)
    }
}
