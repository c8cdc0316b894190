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
