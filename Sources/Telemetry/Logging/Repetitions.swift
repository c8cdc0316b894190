import Clocks

/// Tells a fault once and counts it from then on, so that a broker that is away for a night is some hundred lines and
/// not a million.
///
/// The first line of a fault goes out and opens its window. Equal lines (level, place in the code, message, cause; not
/// the job's id) are counted while it is open. It closes when its time is over, when a notice tells that something
/// has changed, or at the end of the process, and then says how many there were; the next equal line is told in full
/// again. What is no fault, and each event of its own, goes through.
struct Repetitions {
    /// What is still going on is said once a minute.
    static let window = Duration.seconds(60)
    /// Of windows open at once. Messages with something of their own in each would open one apiece.
    static let most = 128

    private struct Key: Hashable {
        var level: LogLevel
        var location: CodeLocation
        var message: String
        var cause: LogField.Value?
    }

    private struct Window {
        var first: LogLine
        var began: MonotonicTime
        /// The newest repetition.
        var last: MonotonicTime
        var count = 0
    }

    private var windows: [Key: Window] = [:]
    /// All last equally long, so the first to open is the first to close.
    private var order: [Key] = []

    /// When something will have to be said; nil if nothing is held back.
    private(set) var dueAt: MonotonicTime?

    /// What is to be written now, in order. `isEvent`: not to be counted, whatever its level.
    mutating func take(_ line: LogLine, isEvent: Bool, at now: MonotonicTime) -> [LogLine] {
        var lines = close(until: now, wall: line.time)
        guard line.level >= .warning, !isEvent else {
            // The count stands before the line that says that it is over.
            if line.level == .notice { lines += closeAll(wall: line.time) }
            lines.append(line)
            return lines
        }
        let key = Key(
            level: line.level, location: line.location, message: line.message,
            cause: line.fields.first { $0.name == "cause" }?.value)
        if var window = windows[key] {
            window.count += 1
            window.last = now
            windows[key] = window
            let end = window.began + Self.window
            dueAt = dueAt.map { min($0, end) } ?? end
            return lines
        }
        if order.count == Self.most { lines += close(first: 1, wall: line.time) }
        windows[key] = Window(first: line, began: now, last: now)
        order.append(key)
        lines.append(line)
        return lines
    }

    /// The counts of the windows that are over.
    mutating func close(until now: MonotonicTime, wall: Timestamp) -> [LogLine] {
        close(first: order.prefix { (windows[$0]?.began ?? now) + Self.window <= now }.count, wall: wall)
    }

    mutating func closeAll(wall: Timestamp) -> [LogLine] {
        close(first: order.count, wall: wall)
    }

    private mutating func close(first count: Int, wall: Timestamp) -> [LogLine] {
        guard count > 0 else { return [] }
        let lines = order.prefix(count).compactMap { windows.removeValue(forKey: $0) }.compactMap {
            $0.count > 0 ? Self.summary(of: $0, wall: wall) : nil
        }
        order.removeFirst(count)
        dueAt = order.compactMap { windows[$0] }.first { $0.count > 0 }.map { $0.began + Self.window }
        return lines
    }

    private static func summary(of window: Window, wall: Timestamp) -> LogLine {
        let first = window.first
        // A whole second at least: "57 times in 0 s" reads like a fault of the log.
        let seconds = max(1, Int((window.last - window.began).inSeconds.rounded(.up)))
        var line = first
        line.time = wall
        let times = window.count == 1 ? "once" : "\(window.count) times"
        line.message += " (repeated \(times) in \(seconds) s)"
        line.fields = first.fields.filter { $0.name == "cause" } + [LogField("repeated", window.count)]
        return line
    }
}
