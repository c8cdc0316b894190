/// A named value of a log line. What must not be logged has no case here: a token cannot be passed by mistake.
package struct LogField: Equatable, Sendable {
    package enum Value: Hashable, Sendable {
        case text(String)
        case integer(Int)
        case seconds(Double)
        /// An account, hashed in the line if the settings say so.
        case account([UInt8])
    }

    package let name: String
    package let value: Value

    /// The name is written in the source, never made of data: nobody forges a field.
    package init(_ name: StaticString, _ value: Value) {
        self.name = name.description
        self.value = value
    }

    package init(_ name: StaticString, _ text: String) {
        self.init(name, .text(text))
    }

    package init(_ name: StaticString, _ integer: Int) {
        self.init(name, .integer(integer))
    }
}
