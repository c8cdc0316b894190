import Glibc

extension Settings {
    /// Where secrets without a path are: where systemd put the unit's, else in directory `credentials` beside the
    /// settings, which is where the unit has them from. So an operator's command reads them by the same settings.
    ///
    /// - Parameter path: the settings file's.
    /// - Returns: nil if there is neither, or no telling where the settings are.
    static func credentialsDirectory(of path: String, environment: [String: String]) -> String? {
        if let directory = environment["CREDENTIALS_DIRECTORY"] { return directory }
        guard path.hasPrefix("/"), let slash = path.lastIndex(of: "/") else { return nil }
        let directory = "\(path[..<slash])/credentials"
        return access(directory, F_OK) == 0 ? directory : nil
    }
}
