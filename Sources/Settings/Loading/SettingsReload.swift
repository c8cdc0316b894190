/// What came of reading the settings again while the daemon runs. Keys are as the settings file names them, in its
/// order.
package struct SettingsReload: Equatable, Sendable {
    /// They differed, and are in force now.
    package internal(set) var adopted: [String] = []
    /// They differ, and take effect only at a restart.
    package internal(set) var needRestart: [String] = []
}

extension DaemonSettings {
    /// Takes over from `loaded` what can change while the daemon runs, as the schema says of each key.
    package mutating func reload(_ loaded: DaemonSettings) -> SettingsReload {
        var reload = SettingsReload()
        for key in SettingSchema.keys where key.differs(self, loaded) {
            switch key.takesEffect {
            case .atReload:
                key.copy(loaded, &self)
                reload.adopted.append(key.name)
            case .atRestart: reload.needRestart.append(key.name)
            }
        }
        warnings = loaded.warnings
        return reload
    }
}
