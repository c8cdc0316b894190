import Jobs
import Operations
import Service
import Settings
import Terminal

/// What a command works with.
struct CommandContext: Sendable {
    let settings: DaemonSettings
    let arguments: ParsedArguments
}

/// A command that works with the settings.
protocol ConfiguredCommand: Sendable {
    var context: CommandContext { get }
}

extension ConfiguredCommand {
    var settings: DaemonSettings { context.settings }
    var arguments: ParsedArguments { context.arguments }
    var isJSON: Bool { arguments.isSet("--json") }

    /// The ledger, through the running daemon or as what it is.
    var ledger: LedgerClient { LedgerClient(settings: settings) }

    /// Asks the running daemon, and nobody else.
    func askDaemon<Request: OperatorRequest>(_ request: Request) async throws -> Request.Answer {
        do throws(ControlError) {
            return try await ControlClient(path: settings.admin.controlSocket).perform(request)
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Prints the answer as a line of JSON with `--json`, else its text.
    func show(_ answer: some ControlValue, _ text: @autoclosure () -> String) {
        if isJSON {
            StandardStream.output.write(json: answer.json)
        } else {
            StandardStream.output.write(text())
        }
    }
}

extension ParsedArguments {
    /// Where the settings are.
    var configuration: String { value("--config") ?? Commands.defaultConfig }
}

/// The options that many commands have.
extension OptionSpecification {
    static let config = value("--config", "FILE", help: "settings (default \(Commands.defaultConfig))")
    static let json = flag("--json", help: "print JSON")
    static let management = value(
        "--management", "URL",
        help: "RabbitMQ's management interface, for arguments, bindings and effective policies: http://broker:15672")

    static func instance(_ help: String) -> Self { value("--instance", "NAME", help: help) }

    static func account(_ help: String) -> Self { value("--account", "ACCOUNT", help: help) }
}
