import Terminal

extension Commands {
    static let printVersion = Command(
        "version", summary: "Prints the version", options: [.json],
        action: .immediate { arguments in
            let text = arguments.isSet("--json") ? "{\"version\":\"\(version)\"}" : "leave-albumd \(version)"
            StandardStream.output.write(text + "\n")
            return .done
        })

    static let help = Command(
        "help", summary: "Prints the help of a command",
        positionals: [PositionalSpecification("COMMAND", .any, help: "the command")],
        action: .immediate { arguments in
            let names = arguments.positionals
            guard let text = program.specification.help(for: names) else {
                StandardStream.error.write(
                    "leave-albumd: there is no command \(DisplayText.printable(names.joined(separator: " ")))\n")
                return .usage
            }
            StandardStream.output.write(text)
            return .done
        })
}
