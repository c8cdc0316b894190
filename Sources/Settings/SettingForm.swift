import Jobs

/// What is wrong with a value, where it stands.
struct Complaint: Equatable {
    let position: TOMLValue.Position
    let problem: String
    /// Where it is not what the form says.
    var allowed: String?
}

/// All that is wrong with one key's value. Never empty.
struct Complaints: Error, Equatable {
    let complaints: [Complaint]

    init(_ complaints: [Complaint]) {
        self.complaints = complaints
    }

    init(_ value: TOMLValue, _ problem: String, allowed: String? = nil) {
        complaints = [Complaint(position: value.position, problem: problem, allowed: allowed)]
    }
}

/// What reading a value needs to know besides the value.
struct SettingContext: Sendable {
    /// `$CREDENTIALS_DIRECTORY`
    var credentialsDirectory: String?
}

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

/// A TOML basic string.
func tomlQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case _ where scalar.isControl:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
