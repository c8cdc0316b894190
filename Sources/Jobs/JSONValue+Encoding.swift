extension JSONValue {
    /// The shortest text: no spaces, names sorted by their bytes at every level, so that equal values give equal bytes.
    /// A real that is not finite has no JSON; it becomes null.
    public func encoded() -> [UInt8] {
        var text: [UInt8] = []
        encode(into: &text)
        return text
    }

    private func encode(into text: inout [UInt8]) {
        switch self {
        case .object(let members):
            let sorted = members.sorted { $0.name.lexicographicallyPrecedes($1.name) }
            text.append(UInt8(ascii: "{"))
            for (index, member) in sorted.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                Self.encode(member.name, into: &text)
                text.append(UInt8(ascii: ":"))
                member.value.encode(into: &text)
            }
            text.append(UInt8(ascii: "}"))
        case .array(let elements):
            text.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                element.encode(into: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .string(let bytes): Self.encode(bytes, into: &text)
        case .integer(let number): text.append(contentsOf: String(number).utf8)
        case .real(let number): text.append(contentsOf: (number.isFinite ? String(number) : "null").utf8)
        case .bool(let truth): text.append(contentsOf: (truth ? "true" : "false").utf8)
        case .null: text.append(contentsOf: "null".utf8)
        }
    }

    private static func encode(_ string: [UInt8], into text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in string {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case UInt8(ascii: "\n"): text.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): text.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): text.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                text.append(contentsOf: "\\u00".utf8)
                text.append(contentsOf: [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
            default: text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}
