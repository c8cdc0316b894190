/// A named value of a log line. What must not be logged has no case here: a token cannot be passed by mistake.
public struct LogField: Equatable, Sendable {
    public enum Value: Hashable, Sendable {
        case text(String)
        case integer(Int)
        case seconds(Double)
        /// An account, hashed in the line if the settings say so.
        case account([UInt8])
    }

    public let name: String
    public let value: Value

    /// The name is written in the source, never made of data: nobody forges a field.
    public init(_ name: StaticString, _ value: Value) {
        self.name = name.description
        self.value = value
    }

    public init(_ name: StaticString, _ text: String) {
        self.init(name, .text(text))
    }

    public init(_ name: StaticString, _ integer: Int) {
        self.init(name, .integer(integer))
    }
}
