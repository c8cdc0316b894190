/// A command line that is wrong; the exit status is `ExitStatus.usage`.
public struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `unknown option --fiel; did you mean --file?`
    public let problem: String
    /// The command it is about, the program's name first.
    public let command: [String]
    /// How the command is written: `leave-albumd submit [options]`.
    public let usage: String

    /// For standard error, several lines without the last one's end.
    public var description: String {
        let name = command.joined(separator: " ")
        return "\(name): \(problem)\nusage: \(usage)\n\(name) --help says more"
    }
}
