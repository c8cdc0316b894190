/// What a command line asks for.
public enum Invocation: Equatable, Sendable {
    case run(ParsedArguments)
    /// The text to print on standard output; the exit status is 0.
    case help(String)
    /// The same of `--version`.
    case version
}
