import Glibc
public import Threads

/// Writes log lines. A value; pass it where something has to be said.
public struct Logger: Sendable {
    public let level: LogLevel
    private let write: @Sendable (LogLevel, String, [LogField]) -> Void

    public init(level: LogLevel, write: @escaping @Sendable (LogLevel, String, [LogField]) -> Void) {
        self.level = level
        self.write = write
    }

    /// Lines on standard error, each in one write(2), so that lines of several threads do not mix.
    public static func standardError(
        _ format: LogFormat, level: LogLevel, hashesAccounts: Bool, clock: any Timekeeper = SystemTimekeeper()
    ) -> Logger {
        Logger(level: level) { lineLevel, message, fields in
            let line = format.line(
                lineLevel, message, fields, at: clock.wall(), hashesAccounts: hashesAccounts)
            let bytes = Array((line + "\n").utf8)
            // A log that nobody can read is no reason to stop: what fails here has nowhere to be said.
            _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
        }
    }

    public func log(_ level: LogLevel, _ message: @autoclosure () -> String, _ fields: LogField...) {
        guard level >= self.level else { return }
        write(level, message(), fields)
    }

    public func debug(_ message: @autoclosure () -> String, _ fields: LogField...) {
        if level <= .debug { write(.debug, message(), fields) }
    }

    public func info(_ message: @autoclosure () -> String, _ fields: LogField...) {
        if level <= .info { write(.info, message(), fields) }
    }

    public func notice(_ message: @autoclosure () -> String, _ fields: LogField...) {
        if level <= .notice { write(.notice, message(), fields) }
    }

    public func warning(_ message: @autoclosure () -> String, _ fields: LogField...) {
        if level <= .warning { write(.warning, message(), fields) }
    }

    public func error(_ message: @autoclosure () -> String, _ fields: LogField...) {
        if level <= .error { write(.error, message(), fields) }
    }
}
