extension CommandSpecification {
    /// The help of the command that `names` says, word by word, below this program; nil if there is no such command.
    package func help(for names: [String] = []) -> String? {
        var path = [self]
        for word in names {
            guard let next = path[path.count - 1].subcommands.first(where: { $0.name == word }) else { return nil }
            path.append(next)
        }
        return Self.help(of: path)
    }

    /// `leave-albumd submit [options] [ID]`
    static func usage(of path: [CommandSpecification]) -> String {
        let command = path[path.count - 1]
        let options = path.flatMap(\.options)
        let required = options.filter(\.isRequired).map(\.usage)
        let hasOptional = options.contains { !$0.isRequired }
        let parts =
            path.map(\.name) + required + (hasOptional ? ["[options]"] : [])
            + (command.subcommands.isEmpty ? command.positionals.map(\.usage) : ["COMMAND"])
        return parts.joined(separator: " ")
    }

    static func help(of path: [CommandSpecification]) -> String {
        let command = path[path.count - 1]
        var sections = [command.summary + ".", "usage: \(usage(of: path))"]
        if let discussion = command.discussion {
            sections.append(wrapped(discussion, width: helpWidth).joined(separator: "\n"))
        }
        if !command.subcommands.isEmpty {
            sections.append(section("commands", command.subcommands.map { ($0.name, $0.summary) }))
        }
        if !command.positionals.isEmpty {
            sections.append(section("arguments", command.positionals.map { ($0.name, $0.help) }))
        }
        // The command's own options first, then those that it has from above.
        let options = path.reversed().flatMap(\.options).map { ($0.usage, $0.help) }
        let version = path.count == 1 && command.hasVersion ? [("--version", "print the version")] : []
        sections.append(section("options", options + version + [("--help", "print this help")]))
        return sections.joined(separator: "\n\n") + "\n"
    }

    /// Help is read on terminals of this width or wider.
    private static let helpWidth = 80
    /// A longer name has its text on the line below.
    private static let widestName = 26

    private static func section(_ title: String, _ entries: [(name: String, text: String)]) -> String {
        let column = min(entries.map { $0.name.count }.max() ?? 0, widestName) + 4
        let indent = String(repeating: " ", count: column)
        let lines = entries.map { entry in
            let text = wrapped(entry.text, width: helpWidth - column).joined(separator: "\n" + indent)
            let name = "  " + entry.name
            return name.count + 2 <= column
                ? name + String(repeating: " ", count: column - name.count) + text
                : name + "\n" + indent + text
        }
        return ([title + ":"] + lines).joined(separator: "\n")
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}
