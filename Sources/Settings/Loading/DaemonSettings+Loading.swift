import CLinux
import Glibc
import Secrets

extension DaemonSettings {
    /// Settings are a few kilobytes; a larger file is another one by mistake.
    static let largestFile = 256 << 10

    /// Reads the file and the variables `LEAVE_ALBUMD_<TABLE>_<KEY>`, which go before it. It blocks, as files do.
    ///
    /// - Parameter environment: see `processEnvironment()`.
    /// - Throws: everything that is wrong, at once.
    package static func load(path: String, environment: [String: String]) throws(SettingsFaults) -> DaemonSettings {
        let contents: SecretFileContents
        do throws(SecretFileError) {
            contents = try SecretFileContents(path: path)
        } catch {
            throw SettingsFaults([SettingsFault(.file(path), error.description)])
        }
        guard contents.secret.count <= largestFile else {
            throw SettingsFaults([
                SettingsFault(.file(path), "it is larger than \(largestFile >> 10) KiB, so it is another file")
            ])
        }
        var environment = environment
        environment["CREDENTIALS_DIRECTORY"] = credentialsDirectory(of: path, environment: environment)
        return try load(
            text: contents.secret.withUnsafeBytes { Array($0) }, file: path, environment: environment,
            isReadableByOthers: contents.isReadableByOthers)
    }

    /// As `load(path:environment:)`, of a text that is already here.
    ///
    /// - Parameter file: the name that faults carry.
    package static func load(
        text: [UInt8], file: String, environment: [String: String], isReadableByOthers: Bool = false
    ) throws(SettingsFaults) -> DaemonSettings {
        var draft = draft(text: text, file: file, environment: environment)
        if !draft.hasSyntaxFault { draft.check() }
        guard draft.faults.isEmpty else { throw SettingsFaults(draft.faults.sorted(by: inFileOrder)) }
        var settings = draft.settings
        settings.warnings = draft.warnings(isReadableByOthers: isReadableByOthers)
        return settings
    }

    /// Reads without the checks that concern several keys.
    static func draft(text: [UInt8], file: String, environment: [String: String]) -> SettingsDraft {
        var draft = SettingsDraft(
            file: file, context: SettingContext(credentialsDirectory: environment["CREDENTIALS_DIRECTORY"]))
        draft.read(text: text)
        draft.read(environment: environment)
        draft.read(traceVariables: environment)
        return draft
    }

    /// What has a line, by line; then what the file lacks; then the environment.
    private static func inFileOrder(_ left: SettingsFault, _ right: SettingsFault) -> Bool {
        func rank(_ place: SettingsFault.Place) -> (Int, Int, Int) {
            switch place {
            case .line(let line, let column, _): (0, line, column)
            case .file: (1, 0, 0)
            case .environment: (2, 0, 0)
            }
        }
        return rank(left.place) < rank(right.place)
    }

    /// The variables of this process, as they are now. What is not `name=value` in UTF-8 is left out.
    package static func processEnvironment() -> [String: String] {
        var environment: [String: String] = [:]
        guard var entry = CLinux_environment() else { return environment }
        while let text = entry.pointee {
            if let pair = String(validatingCString: text), let equals = pair.firstIndex(of: "=") {
                environment[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return environment
    }
}

extension DaemonSettings {
    /// Where secrets without a path are: where systemd put the unit's, else in directory `credentials` beside the
    /// settings, which is where the unit has them from. So an operator's command reads them by the same settings.
    ///
    /// - Parameter path: the settings file's.
    /// - Returns: an absolute path; nil if there is neither.
    static func credentialsDirectory(of path: String, environment: [String: String]) -> String? {
        if let directory = environment["CREDENTIALS_DIRECTORY"] { return directory }
        let beside = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard let found = realpath("\(beside)/credentials", nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
