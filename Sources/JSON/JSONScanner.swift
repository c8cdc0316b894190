/// Steps over JSON text by its grammar, RFC 8259, and reads nothing of it: numbers of any size, any depth, halves of
/// surrogate pairs and NULs are stepped over like everything else. It does not recurse, so no depth can overflow a
/// stack. The text is valid UTF-8 already.
struct JSONScanner {
    private enum Container {
        case object
        case array
    }

    private let text: UnsafeBufferPointer<UInt8>
    private(set) var offset = 0

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    var isAtEnd: Bool { offset == text.count }

    /// The next byte, which is not taken.
    func peek() throws(JSONFault) -> UInt8 {
        guard offset < text.count else { throw JSONFault(.truncated, at: offset) }
        return text[offset]
    }

    mutating func skipBlanks() {
        while offset < text.count, Self.isBlank(text[offset]) { offset += 1 }
    }

    /// Takes the byte if it is the next one.
    mutating func take(_ byte: Unicode.Scalar) throws(JSONFault) -> Bool {
        guard try peek() == UInt8(ascii: byte) else { return false }
        offset += 1
        return true
    }

    mutating func require(_ byte: Unicode.Scalar) throws(JSONFault) {
        guard try take(byte) else { throw JSONFault(.syntax, at: offset) }
    }

    /// A member's name and its colon. Where the name stands, quotes included.
    mutating func skipName() throws(JSONFault) -> Range<Int> {
        skipBlanks()
        let start = offset
        try skipString()
        let name = start..<offset
        skipBlanks()
        try require(":")
        return name
    }

    /// One value, whatever it holds. Where it stands.
    mutating func skipValue() throws(JSONFault) -> Range<Int> {
        skipBlanks()
        let start = offset
        var open: [Container] = []
        repeat {
            skipBlanks()
            // A container that is not empty begins with another value.
            if let opened = try skipSimpleValueOrOpening() {
                if opened == .object { _ = try skipName() }
                open.append(opened)
            } else {
                try close(&open)
            }
        } while !open.isEmpty
        return start..<offset
    }

    /// After a value: the containers that end with it, up to the comma behind which another value comes.
    private mutating func close(_ open: inout [Container]) throws(JSONFault) {
        while let innermost = open.last {
            skipBlanks()
            if try take(",") {
                if innermost == .object { _ = try skipName() }
                return
            }
            try require(innermost == .object ? "}" : "]")
            open.removeLast()
        }
    }

    /// Nil after a whole value; else the container that was opened and holds something.
    private mutating func skipSimpleValueOrOpening() throws(JSONFault) -> Container? {
        switch try peek() {
        case UInt8(ascii: "{"):
            offset += 1
            skipBlanks()
            return try take("}") ? nil : .object
        case UInt8(ascii: "["):
            offset += 1
            skipBlanks()
            return try take("]") ? nil : .array
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
        case UInt8(ascii: "t"): try skipWord("true")
        case UInt8(ascii: "f"): try skipWord("false")
        case UInt8(ascii: "n"): try skipWord("null")
        default: throw JSONFault(.syntax, at: offset)
        }
        return nil
    }

    private mutating func skipString() throws(JSONFault) {
        try require("\"")
        while true {
            switch try peek() {
            case UInt8(ascii: "\""):
                offset += 1
                return
            case UInt8(ascii: "\\"):
                offset += 1
                try skipEscape()
            case 0..<0x20: throw JSONFault(.syntax, at: offset)
            default: offset += 1
            }
        }
    }

    private mutating func skipEscape() throws(JSONFault) {
        switch try peek() {
        case UInt8(ascii: "u"):
            offset += 1
            for _ in 0..<4 {
                guard Self.isHexadecimal(try peek()) else { throw JSONFault(.syntax, at: offset) }
                offset += 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset += 1
        default: throw JSONFault(.syntax, at: offset)
        }
    }

    private mutating func skipNumber() throws(JSONFault) {
        _ = try take("-")
        if try !take("0") { try skipDigits() }
        if offset < text.count, text[offset] == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        if offset < text.count, text[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if try !take("+") { _ = try take("-") }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws(JSONFault) {
        guard Self.isDigit(try peek()) else { throw JSONFault(.syntax, at: offset) }
        while offset < text.count, Self.isDigit(text[offset]) { offset += 1 }
    }

    private mutating func skipWord(_ word: StaticString) throws(JSONFault) {
        for index in 0..<word.utf8CodeUnitCount {
            guard try peek() == word.utf8Start[index] else { throw JSONFault(.syntax, at: offset) }
            offset += 1
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}
