/// One thing that is wrong with the value of a key, and where that stands.
struct SettingError: Equatable {
    let position: TOMLValue.Position
    let problem: String
    /// Where it is not what the form says.
    var allowed: String?
}

/// All that is wrong with the value of one key. Never empty.
struct SettingErrors: Error, Equatable {
    let errors: [SettingError]

    init(_ errors: [SettingError]) {
        self.errors = errors
    }

    init(_ value: TOMLValue, _ problem: String, allowed: String? = nil) {
        errors = [SettingError(position: value.position, problem: problem, allowed: allowed)]
    }
}

/// Why a text is not what a key takes, without quoting it: a password may be anywhere in a malformed URI.
struct MalformedText: Error, Equatable {
    let problem: String
}
