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

    /// The same, and not over one of these files, by whatever name.
    init(_ name: String, sparing files: [String]) throws(CommandFailure) {
        try self.init(name)
        guard case .file(let path) = self else { return }
        for file in files where Self.isSame(path, file) {
            throw CommandFailure(.cannotCreateFile, "\(path) is \(file), which the daemon lives by: name another file")
        }
    }

    /// What is not there yet is told by its directory.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (first, second) = (stat(), stat())
        if stat(one, &first) == 0, stat(other, &second) == 0 {
            return first.st_dev == second.st_dev && first.st_ino == second.st_ino
        }
        func parts(_ path: String) -> (directory: String, name: Substring) {
            guard let slash = path.lastIndex(of: "/") else { return (".", path[...]) }
            return (slash == path.startIndex ? "/" : String(path[..<slash]), path[path.index(after: slash)...])
        }
        let (here, there) = (parts(one), parts(other))
        guard here.name.utf8.elementsEqual(there.name.utf8), stat(here.directory, &first) == 0,
            stat(there.directory, &second) == 0
        else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
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
