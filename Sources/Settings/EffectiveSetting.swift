/// One key as it is in force, for showing: passwords are masked, and secret files are shown by their paths.
public struct EffectiveSetting: Equatable, Sendable {
    /// `broker.tls.ca_file`
    public let key: String
    /// TOML; nil if it is not set.
    public let value: String?
    /// It is what it would be without the settings file.
    public let isDefault: Bool
    /// The environment variable that sets it, whether or not there is one now: `LEAVE_ALBUMD_BROKER_TLS_CA_FILE`
    public var variable: String {
        SettingKey.variablePrefix + String(key.map { $0 == "." ? "_" : $0 }).uppercased()
    }
}

extension Settings {
    /// Every key, in the order of the documented settings file.
    public var effective: [EffectiveSetting] {
        let defaults = Settings()
        return SettingSchema.keys.map { key in
            let value = key.write(self)
            return EffectiveSetting(key: key.name, value: value, isDefault: value == key.write(defaults))
        }
    }

    /// The files that hold what a daemon lives by, as far as the settings name them: every secret, and the ledger with
    /// what belongs to it. No command replaces one of them by what it writes.
    public var vitalFiles: [String] {
        let ledger = ["", "-wal", "-shm", "-journal", ".lock"].map { self.ledger.path + $0 }
        return SettingSchema.keys.compactMap { $0.file(self)?.path } + ledger
    }

    /// What is wrong with the files that `*_file` keys name: missing, unreadable, empty. It reads them all.
    public func secretFileFaults() -> [SettingsFault] {
        SettingSchema.keys.compactMap { key in
            guard let file = key.file(self) else { return nil }
            do throws(SettingsFault) {
                _ = try file.read()
                return nil
            } catch {
                return error
            }
        }
    }
}
