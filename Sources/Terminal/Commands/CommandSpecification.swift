/// A command as data: what it is called, what it takes, and what stands below it.
///
/// The shape is swift-argument-parser's: a tree of commands, each with options, flags and arguments. Options of a
/// command are known to all commands below it and may stand anywhere on the line.
package struct CommandSpecification: Sendable {
    package let name: String
    /// One line without a full stop.
    package let summary: String
    /// Paragraphs for the command's own help.
    package let discussion: String?
    package let options: [OptionSpecification]
    package let positionals: [PositionalSpecification]
    /// A command with subcommands takes no positionals and runs only as one of them.
    package let subcommands: [CommandSpecification]
    /// `--version`, before any command, asks for the program's version.
    package let hasVersion: Bool

    package init(
        _ name: String, summary: String, discussion: String? = nil, options: [OptionSpecification] = [],
        positionals: [PositionalSpecification] = [], subcommands: [CommandSpecification] = [], hasVersion: Bool = false
    ) {
        precondition(
            positionals.isEmpty || subcommands.isEmpty, "\(name): a first word would be both a command and an argument")
        precondition(
            positionals.dropLast().allSatisfy { if case .one = $0.arity { true } else { false } },
            "\(name): only the last positional may be left out or repeated")
        self.name = name
        self.summary = summary
        self.discussion = discussion
        self.options = options
        self.positionals = positionals
        self.subcommands = subcommands
        self.hasVersion = hasVersion
    }
}
