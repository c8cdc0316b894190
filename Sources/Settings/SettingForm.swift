/// One way to write a value in TOML: how it is read, checked and shown.
struct SettingForm<Value>: Sendable {
    /// For people: `an integer from 1 to 8`.
    let allowed: String
    /// It is written as a string, so that a bare word or number in an environment variable is its text.
    let isText: Bool
    let read: @Sendable (TOMLValue, SettingContext) throws(Complaints) -> Value
    /// As TOML, with passwords masked.
    let write: @Sendable (Value) -> String

    init(
        _ allowed: String, isText: Bool = false,
        read: @escaping @Sendable (TOMLValue, SettingContext) throws(Complaints) -> Value,
        write: @escaping @Sendable (Value) -> String
    ) {
        self.allowed = allowed
        self.isText = isText
        self.read = read
        self.write = write
    }
}

extension SettingForm {
    /// A string that `parse` makes a value of; nil is a fault that quotes the string.
    static func text(
        _ allowed: String, write: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) throws(MalformedText) -> Value?
    ) -> Self {
        Self(allowed, isText: true) { (value, _) throws(Complaints) in
            guard case .string(let text) = value.content else { throw Complaints(value, "it is \(value.kindName)") }
            let parsed: Value?
            do throws(MalformedText) {
                parsed = try parse(text)
            } catch {
                throw Complaints(value, error.problem)
            }
            guard let parsed else { throw Complaints(value, "\(tomlQuoted(text)) is not allowed") }
            return parsed
        } write: {
            tomlQuoted(write($0))
        }
    }
}
