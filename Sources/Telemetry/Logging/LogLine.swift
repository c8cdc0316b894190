package import Clocks

/// One thing that is said, before it has a form.
package struct LogLine: Equatable, Sendable {
    package var time: Timestamp
    package var level: LogLevel
    package var message: String
    package var fields: [LogField]
    package var location: CodeLocation

    package init(
        time: Timestamp, level: LogLevel, message: String, fields: [LogField] = [], location: CodeLocation
    ) {
        self.time = time
        self.level = level
        self.message = message
        self.fields = fields
        self.location = location
    }
}

/// Where in the sources something was said.
package struct CodeLocation: Hashable, Sendable {
    /// `Module/File.swift`.
    package let file: String
    package let line: Int
    package let function: String

    package init(file: String, line: Int, function: String) {
        self.file = file
        self.line = line
        self.function = function
    }
}
