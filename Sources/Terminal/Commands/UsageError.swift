/// A command line that is wrong; the exit status is `ExitStatus.usage`.
package struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `unknown option --fiel; did you mean --file?`
    package let problem: String
    /// The command it is about, the program's name first.
    package let command: [String]
    /// How the command is written: `leave-albumd submit [options]`.
    package let usage: String

    /// For standard error, several lines without the last one's end.
    package var description: String {
        let name = command.joined(separator: " ")
        return "\(name): \(problem)\nusage: \(usage)\n\(name) --help says more"
    }
}

/// What every usage error of one command says besides its problem.
struct UsageErrorContext: Equatable, Sendable {
    let command: [String]
    let usage: String

    func error(_ problem: String) -> UsageError {
        UsageError(problem: problem, command: command, usage: usage)
    }
}
