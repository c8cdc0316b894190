import Glibc

extension Settings {
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
