public import Threads

/// One thing that is said, before it has a form.
public struct LogLine: Equatable, Sendable {
    public var time: Timestamp
    public var level: LogLevel
    public var message: String
    public var fields: [LogField]
    public var location: CodeLocation

    public init(
        time: Timestamp, level: LogLevel, message: String, fields: [LogField] = [], location: CodeLocation
    ) {
        self.time = time
        self.level = level
        self.message = message
        self.fields = fields
        self.location = location
    }
}
