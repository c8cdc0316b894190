/// One key as it is in force, for showing: passwords are masked, and secret files are shown by their paths.
package struct EffectiveSetting: Equatable, Sendable {
    /// `broker.tls.ca_file`
    package let key: String
    /// TOML; nil if it is not set.
    package let value: String?
    /// It is what it would be without the settings file.
    package let isDefault: Bool
    /// The environment variable that sets it, whether or not there is one now: `LEAVE_ALBUMD_BROKER_TLS_CA_FILE`
    package var variable: String {
        SettingKey.variablePrefix + String(key.map { $0 == "." ? "_" : $0 }).uppercased()
    }
}

extension DaemonSettings {
    /// Every key, in the order of the documented settings file.
    package var effective: [EffectiveSetting] {
        let defaults = DaemonSettings()
        return SettingSchema.keys.map { key in
            let value = key.write(self)
            return EffectiveSetting(key: key.name, value: value, isDefault: value == key.write(defaults))
        }
    }
}
