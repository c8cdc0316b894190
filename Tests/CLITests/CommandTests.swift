import Terminal
import Testing

@testable import CLI

/// The commands as values.
@Suite struct CommandTests {
    private struct Leaf {
        let path: [String]
        let command: Command

        var name: String { path.joined(separator: " ") }

        /// A line that asks for it, with everything that it must have.
        var line: [String] {
            path + command.specification.options.filter(\.isRequired).map { "\($0.name)=x" }
                + command.specification.positionals.map { _ in "x" }
        }
    }

    private static func leaves(below command: Command, _ path: [String] = []) -> [Leaf] {
        command.subcommands.isEmpty
            ? [Leaf(path: path, command: command)]
            : command.subcommands.flatMap { leaves(below: $0, path + [$0.name]) }
    }

    private static let leaves = leaves(below: Commands.program)

    @Test func everyCommandOfTheSpecificationHasAnAction() {
        func paths(_ specification: CommandSpecification, _ path: [String] = []) -> [[String]] {
            specification.subcommands.isEmpty
                ? [path] : specification.subcommands.flatMap { paths($0, path + [$0.name]) }
        }
        let all = paths(Commands.program.specification)
        #expect(all == Self.leaves.map(\.path))
        #expect(all.count > 35)
        for path in all { #expect(Commands.program.command(at: path)?.action != nil, "\(path)") }
        #expect(Commands.program.action == nil && Commands.program.command(at: ["ledger"])?.action == nil)
        #expect(Commands.program.command(at: ["ledger", "no such"]) == nil)
    }

    @Test func aLineThatNamesACommandGivesThatCommand() throws {
        for leaf in Self.leaves {
            guard case .run(let arguments) = try Commands.program.specification.parse(leaf.line) else {
                Issue.record("\(leaf.line) is not run")
                continue
            }
            let command = try #require(Commands.program.command(at: arguments.command), "\(leaf.name)")
            #expect(command.name == leaf.path.last)
            #expect(command.specification.summary == leaf.command.specification.summary)
        }
        #expect(Set(Self.leaves.map(\.command.specification.summary)).count == Self.leaves.count, "told apart by it")
    }

    /// What may be asked where the settings are wrong, and nothing else.
    @Test func fewCommandsNeedNoSettings() {
        var without: [String] = []
        var daemons: [String] = []
        for leaf in Self.leaves {
            switch leaf.command.action {
            case .immediate, .withoutSettings: without.append(leaf.name)
            case .daemon: daemons.append(leaf.name)
            case .withSettings, nil: break
            }
        }
        #expect(without == ["check", "bundle", "version", "help"])
        #expect(daemons == ["run"])
    }
}
