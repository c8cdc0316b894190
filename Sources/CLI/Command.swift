import Terminal

/// A command of the program as one value: what it is called, what it takes, and what it does. One without an action
/// cannot be written.
struct Command: Sendable {
    /// What a command does, by what it needs before.
    enum Action: Sendable {
        /// Nothing: it prints what the program knows.
        case immediate(@Sendable (ParsedArguments) -> ExitStatus)
        /// No settings, or it reads them itself, because it has work to do where they are wrong.
        case withoutSettings(@Sendable (ParsedArguments) async throws -> ExitStatus)
        /// The settings: a fault in them ends the program before.
        case withSettings(@Sendable (CommandContext) async throws -> ExitStatus)
        /// The daemon, which has the settings, takes the signals in its own way and ends the process itself.
        case daemon(@Sendable (CommandContext) -> Never)
    }

    private enum Content: Sendable {
        case action(Action)
        case group([Command])
    }

    /// With those of the commands below.
    let specification: CommandSpecification
    private let content: Content

    init(
        _ name: String, summary: String, discussion: String? = nil, options: [OptionSpecification] = [],
        positionals: [PositionalSpecification] = [], action: Action
    ) {
        specification = CommandSpecification(
            name, summary: summary, discussion: discussion, options: options, positionals: positionals)
        content = .action(action)
    }

    /// A command that runs only as one of `commands`.
    init(
        _ name: String, summary: String, discussion: String? = nil, commands: [Command], hasVersion: Bool = false
    ) {
        specification = CommandSpecification(
            name, summary: summary, discussion: discussion, subcommands: commands.map(\.specification),
            hasVersion: hasVersion)
        content = .group(commands)
    }

    var name: String { specification.name }

    /// The command that `path` names below this one; nil if there is none.
    func command(at path: some Collection<String>) -> Command? {
        guard let name = path.first else { return self }
        return subcommands.first { $0.name == name }?.command(at: path.dropFirst())
    }

    /// Nil for a group.
    var action: Action? {
        switch content {
        case .action(let action): action
        case .group: nil
        }
    }

    var subcommands: [Command] {
        switch content {
        case .action: []
        case .group(let commands): commands
        }
    }
}
