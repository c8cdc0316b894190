/// One way to write a value in TOML: how it is read, checked and shown.
struct SettingForm<Value>: Sendable {
    /// For people: `an integer from 1 to 8`.
    let allowed: String
    /// It is written as a string, so that a bare word or number in an environment variable is its text.
    let isText: Bool
    let read: @Sendable (TOMLValue, SettingContext) throws(SettingErrors) -> Value
    /// As TOML, with passwords masked.
    let write: @Sendable (Value) -> String

    init(
        _ allowed: String, isText: Bool = false,
        read: @escaping @Sendable (TOMLValue, SettingContext) throws(SettingErrors) -> Value,
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
        Self(allowed, isText: true) { (value, _) throws(SettingErrors) in
            guard case .string(let text) = value.content else { throw SettingErrors(value, "it is \(value.kindName)") }
            let parsed: Value?
            do throws(MalformedText) {
                parsed = try parse(text)
            } catch {
                throw SettingErrors(value, error.problem)
            }
            guard let parsed else { throw SettingErrors(value, "\(tomlQuoted(text)) is not allowed") }
            return parsed
        } write: {
            tomlQuoted(write($0))
        }
    }
}

extension SettingForm {
    /// An array whose every element has the form; every wrong element is an error of its own.
    static func list<Element>(
        of element: SettingForm<Element>, count range: ClosedRange<Int>, noun: String,
        check: @escaping @Sendable ([Element], [TOMLValue]) -> [SettingError] = { _, _ in [] }
    ) -> Self where Value == [Element] {
        let bounds =
            range.lowerBound == 0 ? "at most \(range.upperBound)" : "\(range.lowerBound) to \(range.upperBound)"
        return Self("an array of \(bounds) \(noun), each \(element.allowed)") {
            (value, context) throws(SettingErrors) in
            guard case .array(let values) = value.content else { throw SettingErrors(value, "it is \(value.kindName)") }
            guard range.contains(values.count) else { throw SettingErrors(value, "it has \(values.count) elements") }
            var elements: [Element] = []
            var errors: [SettingError] = []
            for value in values {
                do throws(SettingErrors) {
                    elements.append(try element.read(value, context))
                } catch {
                    errors += error.errors.map {
                        SettingError(position: $0.position, problem: $0.problem, allowed: $0.allowed ?? element.allowed)
                    }
                }
            }
            if errors.isEmpty { errors = check(elements, values) }
            guard errors.isEmpty else { throw SettingErrors(errors) }
            return elements
        } write: {
            "[" + $0.map(element.write).joined(separator: ", ") + "]"
        }
    }

    /// A check of a list: each of its elements once.
    static func duplicates<Element: Hashable>(_ elements: [Element], _ values: [TOMLValue]) -> [SettingError]
    where Value == [Element] {
        var seen: Set<Element> = []
        return zip(elements, values).compactMap { element, value in
            seen.insert(element).inserted ? nil : SettingError(position: value.position, problem: "it is there twice")
        }
    }
}
