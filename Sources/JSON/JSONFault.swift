/// Why bytes are not one JSON value. It never quotes them: a share token may be among them.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        case empty
        case byteOrderMark
        case utf16
        case invalidUTF8
        case tooDeep(limit: Int)
        case duplicateMember
        case truncated
        case somethingAfterTheValue
        case numberOutOfRange
        case nulInName
        case syntax
        case outOfMemory
    }

    public let kind: Kind
    /// Where it was seen, in bytes from the start.
    public let offset: Int

    public init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    public var description: String {
        switch kind {
        case .empty: "nothing is there where JSON should be"
        case .byteOrderMark: "it begins with a byte-order mark; JSON is sent without one"
        case .utf16: "it is UTF-16 or UTF-32; JSON is sent as UTF-8"
        case .invalidUTF8: "it is not valid UTF-8 at byte \(offset)"
        case .tooDeep(let limit): "it is nested deeper than \(limit) levels at byte \(offset)"
        case .duplicateMember: "an object has two members of one name, the second before byte \(offset)"
        case .truncated: "the JSON ends too early, at byte \(offset)"
        case .somethingAfterTheValue: "something follows the JSON value at byte \(offset)"
        case .numberOutOfRange: "a number is out of range at byte \(offset)"
        case .nulInName: "the name of a member holds a NUL at byte \(offset)"
        case .syntax: "it is not JSON at byte \(offset)"
        case .outOfMemory: "there is no memory to read it"
        }
    }
}
