package import Clocks

/// Writes log lines. A value; pass it where something has to be said.
///
/// Messages are made only if their level is on; `fields` are not: guard costly ones with `isEnabled`.
package struct Logger: Sendable {
    /// Level and hashing, which may change while it is used.
    package let control: LogControl
    private let clock: any TimeSource
    private let filter: RepeatFilter

    /// `write` gets what is to be written, in order, from any thread.
    package init(
        control: LogControl, clock: any TimeSource = SystemTimeSource(),
        write: @escaping @Sendable (LogLine) -> Void
    ) {
        self.control = control
        self.clock = clock
        filter = RepeatFilter(clock: clock, write: write)
    }

    /// Lines in the journal or on standard error.
    package static func standardError(
        _ format: LogFormat, control: LogControl, clock: any TimeSource = SystemTimeSource()
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

    package func isEnabled(_ level: LogLevel) -> Bool { control.permits(level) }

    /// Says what was held back as repeated. Before the process ends, or its count is lost.
    package func flush() { filter.flush() }

    /// One line for each call, however often it is told: for what is an event of its own, like a job's end.
    package func logEach(
        _ level: LogLevel, _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        let location = CodeLocation(file: file, line: line, function: function)
        say(level, message, fields, location, isEvent: true)
    }

    /// A field that is nil is left out.
    package func debug(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.debug, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    package func info(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.info, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    package func notice(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.notice, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    /// A warning or worse that was written a moment ago is counted instead of written; see `Repetitions`.
    package func warning(
        _ message: @autoclosure () -> String, _ fields: LogField?...,
        file: String = #fileID, line: Int = #line, function: String = #function
    ) {
        say(.warning, message, fields, CodeLocation(file: file, line: line, function: function))
    }

    package func error(
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
