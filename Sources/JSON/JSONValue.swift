/// One JSON value. Text is UTF-8 bytes, so that nothing is ever compared by Swift's canonical equivalence.
public enum JSONValue: Hashable, Sendable {
    /// In the order of the text, names unique as bytes.
    case object([Member])
    case array([JSONValue])
    /// Valid UTF-8; may hold NUL.
    case string([UInt8])
    case integer(Int64)
    /// A number written with a fraction or an exponent, `1.0` included.
    case real(Double)
    case bool(Bool)
    case null

    public struct Member: Hashable, Sendable {
        public let name: [UInt8]
        public let value: JSONValue

        public init(_ name: [UInt8], _ value: JSONValue) {
            self.name = name
            self.value = value
        }

        public init(_ name: String, _ value: JSONValue) {
            self.init(Array(name.utf8), value)
        }
    }

    public static func text(_ string: String) -> JSONValue { .string(Array(string.utf8)) }

    /// The value of a member of an object; nil if there is none or this is no object.
    public subscript(name: String) -> JSONValue? {
        guard let members else { return nil }
        var name = name
        return name.withUTF8 { name in
            members.first { $0.name.count == name.count && $0.name.elementsEqual(name) }?.value
        }
    }

    public var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    public var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The bytes of a string.
    public var utf8: [UInt8]? {
        guard case .string(let bytes) = self else { return nil }
        return bytes
    }

    /// A string, for people and for comparing with ASCII words; never a key of identities.
    public var text: String? {
        utf8.map { String(decoding: $0, as: UTF8.self) }
    }

    public var integer: Int64? {
        guard case .integer(let number) = self else { return nil }
        return number
    }

    public var bool: Bool? {
        guard case .bool(let truth) = self else { return nil }
        return truth
    }

    /// What it is, for a message: `a string`, `null`.
    public var kind: String {
        switch self {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .integer: "an integer"
        case .real: "a number that is not an integer"
        case .bool: "a truth value"
        case .null: "null"
        }
    }
}
