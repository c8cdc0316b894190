public import Threads

/// Writes log lines. A value; pass it where something has to be said.
///
/// Messages are made only if their level is on; `fields` are not: guard costly ones with `isEnabled`.
public struct Logger: Sendable {
    /// Level and hashing, which may change while it is used.
    public let control: LogControl
    private let clock: any Timekeeper
    private let filter: RepeatFilter

    /// `write` gets what is to be written, in order, from any thread.
    public init(
        control: LogControl, clock: any Timekeeper = SystemTimekeeper(),
        write: @escaping @Sendable (LogLine) -> Void
    ) {
        self.control = control
        self.clock = clock
        filter = RepeatFilter(clock: clock, write: write)
    }

    /// Lines in the journal or on standard error.
    public static func standardError(
        _ format: LogFormat, control: LogControl, clock: any Timekeeper = SystemTimekeeper()
    ) -> Logger {
        let journal = JournalWriter()
        return Logger(control: control, clock: clock) { line in
            let (hashes, showsCode) = (control.hashesAccounts, control.showsCode)
            switch format {
            case .text: StandardError.write(line.text(hashesAccounts: hashes, showsCode: showsCode))
            case .json: StandardError.write(line.json(hashesAccounts: hashes, showsCode: showsCode))
            case .journal: journal.write(line, hashesAccounts: hashes, showsCode: showsCode)
            }
        }
    }

    public func isEnabled(_ level: LogLevel) -> Bool { control.permits(level) }

    /// Says what was held back as repeated. Before the process ends, or its count is lost.
    public func flush() { filter.flush() }

    /// One line for each call, however often it is told: for what is an event of its own, like a job's end.
    public func logEach(
        _ level: LogLevel, _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        let location = CodeLocation(file: file, line: line, function: function)
        say(level, message, fields, location, isEvent: true)
    }

    /// A field that is nil is left out.
    public func debug(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.debug, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    public func info(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.info, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    public func notice(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.notice, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    /// A warning or worse that was written a moment ago is counted instead of written; see `Repetitions`.
    public func warning(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.warning, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    public func error(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.error, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    private func say(
        _ level: LogLevel, _ message: () -> String, _ fields: [LogField?], _ location: CodeLocation,
        isEvent: Bool = false
    ) {
        guard control.permits(level) else { return }
        filter.take(
            LogLine(
                time: clock.wall(), level: level, message: message(), fields: fields.compactMap(\.self),
                location: location),
            isEvent: isEvent)
    }
}
