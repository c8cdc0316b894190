/// The identifiers and keywords of a Swift text: what stands outside comments and string literals, with what stands in
/// interpolations. Regex literals are read as code.
struct SwiftLexer {
    private let bytes: [UInt8]
    private var index = 0
    private var found: [String] = []

    private init(_ text: String) { bytes = Array(text.utf8) }

    static func identifiers(of text: String) -> [String] {
        var lexer = SwiftLexer(text)
        lexer.readCode(untilParenthesis: false)
        return lexer.found
    }

    /// `holdsDeadLetter2` → `holds`, `dead`, `letter`. A row of capitals is one part: `HTTPReply` → `http`, `reply`.
    static func parts(of identifier: String) -> [String] {
        identifier.matches(of: /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/).map { $0.output.lowercased() }
    }

    private func isAt(_ byte: UInt8, _ offset: Int = 0) -> Bool {
        index + offset < bytes.count && bytes[index + offset] == byte
    }

    private func isAt(_ first: UInt8, then second: UInt8) -> Bool { isAt(first) && isAt(second, 1) }

    private static func begins(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F || byte >= 0x80
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private mutating func readCode(untilParenthesis: Bool) {
        var depth = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isAt(.slash, then: .slash) {
                while index < bytes.count, bytes[index] != .newline { index += 1 }
            } else if isAt(.slash, then: .asterisk) {
                skipComment()
            } else if let hashes = hashesBeforeString() {
                index += hashes
                readString(hashes)
            } else if Self.begins(byte) || Self.isDigit(byte) {
                let start = index
                while index < bytes.count, Self.begins(bytes[index]) || Self.isDigit(bytes[index]) { index += 1 }
                if Self.begins(byte) { found.append(String(decoding: bytes[start..<index], as: UTF8.self)) }
            } else {
                index += 1
                if byte == .opening { depth += 1 }
                guard byte == .closing else { continue }
                if depth == 0, untilParenthesis { return }
                depth -= 1
            }
        }
    }

    /// Comments of this kind nest.
    private mutating func skipComment() {
        var depth = 0
        repeat {
            if isAt(.slash, then: .asterisk) {
                depth += 1
                index += 2
            } else if isAt(.asterisk, then: .slash) {
                depth -= 1
                index += 2
            } else {
                index += 1
            }
        } while depth > 0 && index < bytes.count
    }

    private func hashesBeforeString() -> Int? {
        var hashes = 0
        while index + hashes < bytes.count, bytes[index + hashes] == .hash { hashes += 1 }
        return isAt(.quote, hashes) ? hashes : nil
    }

    private func hasHashes(_ count: Int, at offset: Int) -> Bool {
        index + offset + count <= bytes.count
            && bytes[(index + offset)..<(index + offset + count)].allSatisfy { $0 == .hash }
    }

    private mutating func readString(_ hashes: Int) {
        let quotes = isAt(.quote, then: .quote) && isAt(.quote, 2) ? 3 : 1
        index += quotes
        while index < bytes.count {
            if isAt(.backslash), hasHashes(hashes, at: 1) {
                index += 1 + hashes
                let isInterpolation = isAt(.opening)
                index += 1
                if isInterpolation { readCode(untilParenthesis: true) }
            } else if isAt(.quote), quotes == 1 || (isAt(.quote, 1) && isAt(.quote, 2)), hasHashes(hashes, at: quotes) {
                index += quotes + hashes
                return
            } else {
                index += 1
            }
        }
    }
}

extension UInt8 {
    fileprivate static let newline = UInt8(ascii: "\n")
    fileprivate static let quote = UInt8(ascii: "\"")
    fileprivate static let hash = UInt8(ascii: "#")
    fileprivate static let opening = UInt8(ascii: "(")
    fileprivate static let closing = UInt8(ascii: ")")
    fileprivate static let asterisk = UInt8(ascii: "*")
    fileprivate static let slash = UInt8(ascii: "/")
    fileprivate static let backslash = UInt8(ascii: "\\")
}
