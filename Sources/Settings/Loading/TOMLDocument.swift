import CTOML
import Secrets

/// A parsed TOML document.
struct TOMLDocument: Sendable {
    struct SyntaxFault: Error, Equatable {
        let position: TOMLValue.Position
        /// The parser's words.
        let problem: String
    }

    /// The root table's members in the order of the text.
    let members: [TOMLValue.Member]

    /// The parser recurses for every part of a dotted key, and no setting has more than four; a text of that many dots
    /// could otherwise exhaust the stack.
    private static let mostDotsInALine = 1_000

    init(parsing text: [UInt8]) throws(SyntaxFault) {
        try Self.checkDots(text)
        let document = text.withUnsafeBytes { bytes in
            CTOML_parse(bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        defer { CTOML_free(document) }
        if let error = document.error {
            throw SyntaxFault(
                position: TOMLValue.Position(line: Int(document.error_line), column: Int(document.error_column)),
                // The parser quotes what it saw, and that may be the end of a line.
                problem: DetailText.scrubbed(String(cString: error)))
        }
        members = Self.members(UnsafeBufferPointer(start: document.nodes, count: document.count))
    }

    private static func checkDots(_ text: [UInt8]) throws(SyntaxFault) {
        for (index, line) in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard line.count(where: { $0 == UInt8(ascii: ".") }) <= mostDotsInALine else {
                throw SyntaxFault(
                    position: TOMLValue.Position(line: index + 1, column: 1),
                    problem: "the line has more than \(mostDotsInALine) dots")
            }
        }
    }

    /// Builds the tree from the leaves: parents stand before their children.
    private static func members(_ nodes: UnsafeBufferPointer<CTOML_node>) -> [TOMLValue.Member] {
        var children = [[TOMLValue.Member]](repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated().reversed() {
            let content: TOMLValue.Content
            switch node.kind {
            case CTOML_TABLE: content = .table(inOrder(children[index]))
            case CTOML_ARRAY: content = .array(children[index].reversed().map(\.value))
            case CTOML_STRING: content = .string(string(node.text, node.text_length))
            case CTOML_INTEGER: content = .integer(node.integer)
            case CTOML_FLOAT: content = .float(node.floating)
            case CTOML_BOOLEAN: content = .boolean(node.boolean)
            default: content = .dateTime(string(node.text, node.text_length))
            }
            let value = TOMLValue(content: content, position: position(node.line, node.column))
            if index == 0 {
                guard case .table(let members) = content else { break }
                return members
            }
            children[node.parent].append(
                TOMLValue.Member(
                    key: string(node.key, node.key_length), position: position(node.key_line, node.key_column),
                    value: value))
        }
        return []
    }

    private static func inOrder(_ members: [TOMLValue.Member]) -> [TOMLValue.Member] {
        members.sorted { $0.position < $1.position }
    }

    private static func position(_ line: UInt32, _ column: UInt32) -> TOMLValue.Position {
        TOMLValue.Position(line: Int(line), column: Int(column))
    }

    private static func string(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

/// A value of a TOML document and where it stands.
struct TOMLValue: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        case string(String)
        case integer(Int64)
        case float(Double)
        case boolean(Bool)
        /// A date, a time, or both, as text.
        case dateTime(String)
        case array([TOMLValue])
        case table([Member])
    }

    struct Member: Equatable, Sendable {
        let key: String
        let position: Position
        let value: TOMLValue
    }

    /// From 1; 0 where the text has no such thing, as for a table that only its subtable's name implies.
    struct Position: Equatable, Comparable, Sendable {
        let line: Int
        let column: Int

        static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
    }

    let content: Content
    let position: Position

    /// What it is, for a fault.
    var kindName: String {
        switch content {
        case .string: "a string"
        case .integer: "an integer"
        case .float: "a float"
        case .boolean: "a boolean"
        case .dateTime: "a date or time"
        case .array: "an array"
        case .table: "a table"
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
