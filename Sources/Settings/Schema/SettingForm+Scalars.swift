import Clocks

extension SettingForm where Value == Bool {
    static var boolean: Self {
        Self("true or false") { (value, _) throws(SettingErrors) in
            guard case .boolean(let boolean) = value.content else {
                throw SettingErrors(value, "it is \(value.kindName)")
            }
            return boolean
        } write: {
            $0 ? "true" : "false"
        }
    }
}

extension SettingForm where Value == Int {
    static func integer(in range: ClosedRange<Int>, zeroMeans: String? = nil) -> Self {
        let note = zeroMeans.map { "; 0 means \($0)" } ?? ""
        return Self("an integer from \(range.lowerBound) to \(range.upperBound)\(note)") {
            (value, _) throws(SettingErrors) in
            guard case .integer(let integer) = value.content else {
                throw SettingErrors(value, "it is \(value.kindName)")
            }
            guard let number = Int(exactly: integer), range.contains(number) else {
                throw SettingErrors(value, "\(integer) is out of range")
            }
            return number
        } write: {
            "\($0)"
        }
    }
}

extension SettingForm where Value == Double {
    static func number(in range: ClosedRange<Double>, zeroMeans: String) -> Self {
        let bounds = "from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        return Self("a number \(bounds); 0 means \(zeroMeans)") { (value, _) throws(SettingErrors) in
            let number: Double
            switch value.content {
            case .integer(let integer): number = Double(integer)
            case .float(let float): number = float
            default: throw SettingErrors(value, "it is \(value.kindName)")
            }
            // Not a number is in no range.
            guard range.contains(number) else { throw SettingErrors(value, "\(plain(number)) is out of range") }
            return number
        } write: {
            plain($0)
        }
    }
}

/// Without the `.0` of whole numbers.
private func plain(_ number: Double) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
}

extension SettingForm where Value == Duration {
    static func duration(in range: ClosedRange<Duration>, wholeSeconds: Bool = false) -> Self {
        let bounds = "from \"\(range.lowerBound.settingText)\" to \"\(range.upperBound.settingText)\""
        return Self("a duration \(bounds)\(wholeSeconds ? " in whole seconds" : "")", isText: true) {
            (value, _) throws(SettingErrors) in
            guard case .string(let text) = value.content else {
                throw SettingErrors(value, "it is \(value.kindName)")
            }
            guard let duration = Duration(settingText: text) else {
                throw SettingErrors(
                    value, "\(tomlQuoted(text)) is not a duration, such as \"250ms\", \"5s\", \"2m\", \"1h\" or \"30d\""
                )
            }
            guard range.contains(duration) else { throw SettingErrors(value, "\(tomlQuoted(text)) is out of range") }
            guard !wholeSeconds || duration.isWholeSeconds else {
                throw SettingErrors(value, "\(tomlQuoted(text)) is not a whole number of seconds")
            }
            return duration
        } write: {
            tomlQuoted($0.settingText)
        }
    }
}

extension SettingForm where Value: RawRepresentable & CaseIterable & SendableMetatype, Value.RawValue == String {
    static var choice: Self {
        let names = Value.allCases.map { tomlQuoted($0.rawValue) }.joined(separator: ", ")
        return .text("one of \(names)", write: { $0.rawValue }, parse: { Value(rawValue: $0) })
    }
}
