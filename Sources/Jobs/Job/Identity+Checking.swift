import Secrets

extension JobID {
    /// In bytes.
    public static let lengths = 1...128

    /// Nil unless the bytes keep the rule of job ids.
    public init?(checking utf8: [UInt8]) {
        guard Self.fault(in: utf8) == nil else { return nil }
        self.init(utf8: utf8)
    }

    /// What is wrong with it, without quoting it.
    public static func fault(in utf8: [UInt8]) -> String? {
        if !lengths.contains(utf8.count) { return "it has \(utf8.count) bytes; 1 to 128 are allowed" }
        guard let index = utf8.firstIndex(where: { !isAllowed($0) }) else { return nil }
        return "the character at byte \(index) is not allowed; A–Z a–z 0–9 . _ : / - are"
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "_"):
            // From - to : there are . / and the digits.
            true
        default: false
        }
    }
}

extension AccountID {
    /// In bytes.
    public static let lengths = 1...256

    /// Nil unless the bytes keep the rule of accounts.
    public init?(checking utf8: [UInt8]) {
        guard Self.fault(in: utf8) == nil else { return nil }
        self.init(utf8: utf8)
    }

    /// What is wrong with it, without quoting it.
    public static func fault(in utf8: [UInt8]) -> String? {
        if !lengths.contains(utf8.count) { return "it has \(utf8.count) bytes; 1 to 256 are allowed" }
        if utf8.allSatisfy(DetailText.isPlain) { return nil }
        guard let text = String(validating: utf8, as: UTF8.self) else { return "it is not valid UTF-8" }
        var offset = 0
        for scalar in text.unicodeScalars {
            if scalar.isControl {
                let code = String(scalar.value, radix: 16, uppercase: true)
                let padding = String(repeating: "0", count: max(0, 4 - code.count))
                return "it holds the control character U+\(padding)\(code) at byte \(offset)"
            }
            offset += UTF8.width(scalar)
        }
        return nil
    }
}
