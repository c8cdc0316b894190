/// What reading a value needs to know besides the value.
struct SettingContext: Sendable {
    /// `$CREDENTIALS_DIRECTORY`
    var credentialsDirectory: String?
}
