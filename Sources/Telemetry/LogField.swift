/// A named value of a log line. What must not be logged has no case here: a token cannot be passed by mistake.
public struct LogField: Sendable {
    public enum Value: Equatable, Sendable {
        case text(String)
        case integer(Int)
        case seconds(Double)
        /// An account, hashed in the line if the settings say so.
        case account([UInt8])
    }

    public let name: String
    public let value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    public init(_ name: String, _ text: String) {
        self.init(name, .text(text))
    }

    public init(_ name: String, _ integer: Int) {
        self.init(name, .integer(integer))
    }
}
