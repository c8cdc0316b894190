/// What reading a value needs to know besides the value.
struct SettingContext: Sendable {
    /// `$CREDENTIALS_DIRECTORY`
    var credentialsDirectory: String?
}

/// One key of the settings file as data: its name, what it takes, and which property it is.
struct SettingKey: Sendable {
    /// Its tables and its own name.
    let path: [String]
    let allowed: String
    let isText: Bool
    /// Nil: the property has a value without it.
    let read: @Sendable (TOMLValue, SettingContext, inout DaemonSettings) throws(SettingErrors) -> Void
    /// The property as TOML, with passwords masked; nil if it is not set.
    let write: @Sendable (DaemonSettings) -> String?
    /// The file that the key names, if it is such a key and set.
    let file: @Sendable (DaemonSettings) -> SecretFile?
    let takesEffect: TakingEffect
    /// Whether the property is another one in the other settings, passwords included.
    let differs: @Sendable (DaemonSettings, DaemonSettings) -> Bool
    /// Takes over the property from the first settings into the second.
    let copy: @Sendable (DaemonSettings, inout DaemonSettings) -> Void

    /// When a value takes effect that was changed while the daemon runs.
    enum TakingEffect: Sendable {
        /// At SIGHUP. Whoever needs the value asks the settings in force, or is told of it by them.
        case atReload
        case atRestart
    }

    var name: String { path.joined(separator: ".") }

    /// `LEAVE_ALBUMD_BROKER_TLS_CA_FILE`
    var variable: String { Self.variablePrefix + path.joined(separator: "_").uppercased() }

    static let variablePrefix = "LEAVE_ALBUMD_"

    /// A key whose property always has a value.
    init<Value: Equatable & Sendable>(
        _ name: String, _ property: any WritableKeyPath<DaemonSettings, Value> & Sendable, _ form: SettingForm<Value>,
        takesEffect: TakingEffect = .atRestart
    ) {
        path = name.split(separator: ".").map(String.init)
        allowed = form.allowed
        isText = form.isText
        read = { (value, context, settings) throws(SettingErrors) in
            settings[keyPath: property] = try form.read(value, context)
        }
        write = { form.write($0[keyPath: property]) }
        file = { _ in nil }
        self.takesEffect = takesEffect
        differs = { $0[keyPath: property] != $1[keyPath: property] }
        copy = { $1[keyPath: property] = $0[keyPath: property] }
    }

    /// A key that may be left out.
    init<Value: Equatable & Sendable>(
        _ name: String, _ property: any WritableKeyPath<DaemonSettings, Value?> & Sendable, _ form: SettingForm<Value>,
        takesEffect: TakingEffect = .atRestart
    ) {
        path = name.split(separator: ".").map(String.init)
        allowed = form.allowed
        isText = form.isText
        read = { (value, context, settings) throws(SettingErrors) in
            settings[keyPath: property] = try form.read(value, context)
        }
        write = { $0[keyPath: property].map(form.write) }
        file = { $0[keyPath: property] as? SecretFile }
        self.takesEffect = takesEffect
        differs = { $0[keyPath: property] != $1[keyPath: property] }
        copy = { $1[keyPath: property] = $0[keyPath: property] }
    }

    /// A `*_file` key.
    init(file name: String, _ property: any WritableKeyPath<DaemonSettings, SecretFile?> & Sendable) {
        self.init(name, property, .file(key: name))
    }
}
