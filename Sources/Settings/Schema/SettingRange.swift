/// What each number of the settings may be, and why. Durations are in the unit of `Duration`. The range of a key stands
/// in the file of its table, beside the property and its default; here are those of texts.
enum SettingRange {
    /// The longest suffix is 19 bytes, an AMQP name has 255, and the prefix also stands in permissions and policies.
    static let prefixBytes = 1...64
    /// `sun_path` has 108 bytes, one of them the zero at the end.
    static let socketPathBytes = 107
    /// AMQP's short string.
    static let shortStringBytes = 255
}
