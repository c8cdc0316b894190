/// What every usage error of one command says besides its problem.
struct UsageErrorContext: Equatable, Sendable {
    let command: [String]
    let usage: String

    func error(_ problem: String) -> UsageError {
        UsageError(problem: problem, command: command, usage: usage)
    }
}
