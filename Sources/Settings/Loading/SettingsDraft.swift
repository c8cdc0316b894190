import Terminal

/// Settings on their way: what was read so far, where it stands, and what was wrong.
struct SettingsDraft {
    /// The settings file's name, as the operator gave it.
    let file: String
    let context: SettingContext
    var settings = DaemonSettings()
    /// Where each key that was set stands; an environment variable's place replaces the file's.
    private(set) var places: [String: SettingsFault.Place] = [:]
    private(set) var faults: [SettingsFault] = []
    /// After a syntax error nothing is known of the keys that follow it.
    private(set) var hasSyntaxFault = false
    /// What is wrong with variables that are not this program's alone.
    var variableWarnings: [String] = []

    init(file: String, context: SettingContext) {
        self.file = file
        self.context = context
    }

    /// For what concerns a key whether it is set or not.
    func place(of key: String) -> SettingsFault.Place { places[key] ?? .file(file) }

    func isSet(_ key: String) -> Bool { places[key] != nil }

    /// None of the keys has a fault of its own. Where one has, its property still holds the default, which says
    /// nothing about the operator's intent.
    func areSound(_ keys: String...) -> Bool {
        !faults.contains { fault in keys.contains { $0 == fault.key } }
    }

    mutating func fault(_ key: String, _ problem: String, allowed: String? = nil) {
        faults.append(SettingsFault(place(of: key), key: key, problem, allowed: allowed))
    }

    // MARK: The file

    mutating func read(text: [UInt8]) {
        do throws(TOMLDocument.SyntaxFault) {
            read(try TOMLDocument(parsing: text).members, below: [])
        } catch {
            faults.append(SettingsFault(place(error.position), "it is not TOML: \(error.problem)"))
            hasSyntaxFault = true
        }
    }

    private func place(_ position: TOMLValue.Position) -> SettingsFault.Place {
        .line(position.line, column: position.column, file: file)
    }

    private mutating func read(_ members: [TOMLValue.Member], below table: [String]) {
        for member in members {
            let path = table + [member.key]
            // A table that only its subtable's name implies stands where its first member does, which is read next.
            let position = member.position.line > 0 ? member.position : member.value.position
            if let key = SettingSchema.key(path) {
                read(member.value, of: key)
            } else if SettingSchema.isTable(path) {
                if case .table(let members) = member.value.content {
                    read(members, below: path)
                } else {
                    faults.append(
                        SettingsFault(
                            place(position), key: Self.name(path), "it is \(member.value.kindName)",
                            allowed: "a table, [\(Self.name(path))]"))
                }
            } else {
                let noun = if case .table = member.value.content { "table" } else { "key" }
                faults.append(
                    SettingsFault(
                        place(position), key: Self.name(path),
                        "there is no such \(noun)" + Self.suggestion(for: path)))
            }
        }
    }

    private mutating func read(
        _ value: TOMLValue, of key: SettingKey, variable: String? = nil
    ) {
        let place: (TOMLValue.Position) -> SettingsFault.Place = { [self] position in
            variable.map { .environment($0) } ?? self.place(position)
        }
        places[key.name] = place(value.position)
        do throws(SettingErrors) {
            try key.read(value, context, &settings)
        } catch {
            faults += error.errors.map {
                SettingsFault(place($0.position), key: key.name, $0.problem, allowed: $0.allowed ?? key.allowed)
            }
        }
    }

    private static func name(_ path: [String]) -> String {
        path.map { part in
            let isBare = !part.isEmpty && part.utf8.allSatisfy { $0 < 0x80 && $0 > 0x20 && $0 != 0x2E && $0 != 0x7F }
            return isBare ? part : tomlQuoted(part)
        }.joined(separator: ".")
    }

    /// The nearest name in the same table, or else the same name in another table.
    private static func suggestion(for path: [String]) -> String {
        let table = Array(path.dropLast())
        let name = path[path.count - 1]
        if let near = Suggestion.closest(to: name, among: SettingSchema.names(below: table)) {
            return "; did you mean \(self.name(table + [near]))?"
        }
        let elsewhere = SettingSchema.keys.filter { $0.path.last == name }
        return elsewhere.count == 1 ? "; did you mean \(elsewhere[0].name)?" : ""
    }

    // MARK: The environment

    mutating func read(environment: [String: String]) {
        let names = environment.keys.filter { $0.hasPrefix(SettingKey.variablePrefix) }
        for name in names.sorted() {
            guard let key = SettingSchema.keys.first(where: { $0.variable == name }) else {
                faults.append(
                    SettingsFault(
                        .environment(name), "no key has this variable" + Self.suggestion(forVariable: name)))
                continue
            }
            read(Self.value(environment[name] ?? "", isText: key.isText), of: key, variable: name)
        }
    }

    /// The nearest variable, or else the one of the only key with that name.
    private static func suggestion(forVariable name: String) -> String {
        let own = String(name.dropFirst(SettingKey.variablePrefix.count))
        let variables = SettingSchema.keys.map { String($0.variable.dropFirst(SettingKey.variablePrefix.count)) }
        let sameKey = SettingSchema.keys.filter { $0.path.last?.uppercased() == own }.map(\.variable)
        if let near = Suggestion.closest(to: own, among: variables) {
            return "; did you mean $\(SettingKey.variablePrefix)\(near)?"
        }
        return sameKey.count == 1 ? "; did you mean $\(sameKey[0])?" : ""
    }

    /// The value is TOML; what does not parse, or is no string where only a string will do, is a string as it stands.
    private static func value(_ text: String, isText: Bool) -> TOMLValue {
        let asWritten = TOMLValue(content: .string(text), position: TOMLValue.Position(line: 1, column: 1))
        let document = try? TOMLDocument(parsing: Array("value = \(text)".utf8))
        // A line break could have added a key of its own.
        guard let document, document.members.count == 1, document.members[0].key == "value" else { return asWritten }
        let value = document.members[0].value
        if isText, case .string = value.content { return value }
        return isText ? asWritten : value
    }
}
