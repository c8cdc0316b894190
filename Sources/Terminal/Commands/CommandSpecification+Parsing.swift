extension CommandSpecification {
    /// Reads a command line; this specification is the program's.
    ///
    /// - Parameter arguments: without the program's name.
    package func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
        var reader = Reader(program: self)
        return try reader.read(arguments)
    }

    /// Where the reading of a command line is.
    private struct Reader {
        /// From the program down to the command that was named so far.
        var path: [CommandSpecification]
        var positionals: [String] = []
        var values: [String: [String]] = [:]
        var asksForHelp = false
        var asksForVersion = false
        /// What comes is an argument even if it begins with a dash.
        var optionsEnded = false

        init(program: CommandSpecification) {
            path = [program]
        }

        var current: CommandSpecification { path[path.count - 1] }
        var options: [OptionSpecification] { path.flatMap(\.options) }

        func error(_ problem: String) -> UsageError {
            UsageErrorContext(command: path.map(\.name), usage: CommandSpecification.usage(of: path)).error(problem)
        }

        mutating func read(_ arguments: [String]) throws(UsageError) -> Invocation {
            var rest = arguments[...]
            while let argument = rest.popFirst() {
                if optionsEnded || argument == "-" || !argument.hasPrefix("-") {
                    try readWord(argument)
                } else if argument == "--" {
                    optionsEnded = true
                } else if argument == "--help" || argument == "-h" {
                    asksForHelp = true
                } else if argument == "--version", path.count == 1, current.hasVersion {
                    asksForVersion = true
                } else {
                    try readOption(argument, &rest)
                }
            }
            if asksForHelp { return .help(CommandSpecification.help(of: path)) }
            if asksForVersion { return .version }
            try checkWhatIsMissing()
            return .run(
                ParsedArguments(
                    command: path.dropFirst().map(\.name), positionals: positionals, values: values,
                    known: Set(options.map(\.name)),
                    errorContext: UsageErrorContext(
                        command: path.map(\.name), usage: CommandSpecification.usage(of: path))))
        }

        private mutating func readWord(_ word: String) throws(UsageError) {
            guard !current.subcommands.isEmpty else {
                positionals.append(word)
                let takesMore = current.positionals.last?.arity.isRepeatable ?? false
                guard takesMore || positionals.count <= current.positionals.count else {
                    throw error("unexpected argument \(word)")
                }
                return
            }
            guard let subcommand = current.subcommands.first(where: { $0.name == word }) else {
                throw error(
                    "unknown command \(word)" + Self.suggestion(for: word, among: current.subcommands.map(\.name)))
            }
            path.append(subcommand)
        }

        private mutating func readOption(
            _ argument: String, _ rest: inout ArraySlice<String>
        ) throws(UsageError) {
            let name = String(argument.prefix { $0 != "=" })
            let attached = argument.contains("=") ? String(argument.dropFirst(name.count + 1)) : nil
            guard let option = options.first(where: { $0.name == name }) else {
                let version = path.count == 1 && current.hasVersion ? ["--version"] : []
                let known = options.map(\.name) + ["--help"] + version
                throw error("unknown option \(name)" + Self.suggestion(for: name, among: known))
            }
            guard option.isRepeatable || values[name] == nil else { throw error("\(name) is given twice") }
            guard let valueName = option.valueName else {
                guard attached == nil else { throw error("\(name) takes no value") }
                values[name] = [""]
                return
            }
            // `--file --json` is a forgotten value far more often than a file of that name; `--file=--json` says so.
            guard let value = attached ?? rest.first, attached != nil || !value.hasPrefix("--") else {
                throw error("\(name) needs a value: \(name) \(valueName)")
            }
            if attached == nil { rest.removeFirst() }
            values[name, default: []].append(value)
        }

        private func checkWhatIsMissing() throws(UsageError) {
            guard current.subcommands.isEmpty else {
                throw error("a command is missing: \(current.subcommands.map(\.name).joined(separator: ", "))")
            }
            let required = current.positionals.filter(\.arity.isRequired)
            if positionals.count < required.count { throw error("\(required[positionals.count].name) is missing") }
            if let option = options.first(where: { $0.isRequired && values[$0.name] == nil }) {
                throw error("\(option.usage) is missing")
            }
        }

        private static func suggestion(for word: String, among known: [String]) -> String {
            Suggestion.closest(to: word, among: known).map { "; did you mean \($0)?" } ?? ""
        }
    }
}

/// What a command line asks for.
package enum Invocation: Equatable, Sendable {
    case run(ParsedArguments)
    /// The text to print on standard output; the exit status is 0.
    case help(String)
    /// The same of `--version`.
    case version
}
