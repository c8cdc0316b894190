import CLinux

/// One line on standard error that says how far a command is, with rate and time left. On anything but a terminal it
/// shows nothing, or where a command takes minutes a line every few seconds. Updates drive it; it has no clock of its own
/// that would wake anybody.
package struct ProgressBar: ~Copyable {
    /// Faster than people read, slow enough to cost nothing.
    private static let redrawInterval = Duration.milliseconds(100)
    /// For a journal or a pipe: often enough to see that it goes on.
    private static let lineInterval = Duration.seconds(5)
    private static let barColumns = 24
    private static let defaultColumns = 80
    /// Back to the line's begin, and what stood there erased.
    private static let clear = "\r\u{1B}[K"

    private let title: String
    private let total: Int?
    private let columns: Int
    private let now: @Sendable () -> Duration
    private let write: (@Sendable (String) -> Void)?
    private let writeLine: (@Sendable (String) -> Void)?
    private let start: Duration
    private var completed = 0
    private var lastDrawn: Duration?

    /// - Parameters:
    ///   - total: how many there are; nil if that is not known, and there is neither bar nor time left.
    ///   - showsLines: where there is no terminal, a line every few seconds.
    package init(title: String, total: Int?, showsLines: Bool = false) {
        let draw: @Sendable (String) -> Void = { StandardStream.error.write($0) }
        let isTerminal = StandardStream.error.isTerminal
        self.init(
            title: title, total: total, columns: StandardStream.error.columns ?? Self.defaultColumns,
            now: Self.monotonicTime, write: isTerminal ? draw : nil, writeLine: showsLines && !isTerminal ? draw : nil)
    }

    /// - Parameters:
    ///   - now: a time that only goes forward.
    ///   - write: where it is drawn; nil shows nothing.
    ///   - writeLine: where it is written line by line.
    init(
        title: String, total: Int?, columns: Int, now: @escaping @Sendable () -> Duration,
        write: (@Sendable (String) -> Void)?, writeLine: (@Sendable (String) -> Void)? = nil
    ) {
        self.title = title
        self.total = total
        self.columns = columns
        self.now = now
        self.write = write
        self.writeLine = writeLine
        start = now()
    }

    /// - Parameter completed: how many are done, of all.
    package mutating func update(completed: Int) {
        self.completed = completed
        if let writeLine {
            let time = now()
            guard time - (lastDrawn ?? start) >= Self.lineInterval else { return }
            lastDrawn = time
            return writeLine(total.map { "\(title): \(completed) of \($0)\n" } ?? "\(title): \(completed)\n")
        }
        guard let write else { return }
        let time = now()
        if let lastDrawn, time - lastDrawn < Self.redrawInterval { return }
        lastDrawn = time
        write(Self.clear + line(at: time))
    }

    /// Takes the line away, so that other text can be written.
    package mutating func hide() {
        guard let write, lastDrawn != nil else { return }
        write(Self.clear)
        lastDrawn = nil
    }

    private func line(at time: Duration) -> String {
        let elapsed = (time - start) / .seconds(1)
        let rate = elapsed > 0 ? Double(completed) / elapsed : 0
        var parts = [title]
        if let total, total > 0 {
            let share = min(1, Double(completed) / Double(total))
            let filled = Int(share * Double(Self.barColumns))
            let bar =
                String(repeating: "#", count: filled) + String(repeating: "-", count: Self.barColumns - filled)
            parts += ["[\(bar)]", "\(Int(share * 100))%", "\(completed)/\(total)"]
        } else {
            parts.append("\(completed)")
        }
        parts.append("\(Self.rateText(rate))/s")
        if let total, completed < total {
            parts.append("ETA " + (rate > 0 ? Self.clockText(Double(total - completed) / rate) : "-"))
        } else {
            parts.append(Self.clockText(elapsed))
        }
        // The last column stays free: writing into it makes some terminals begin a new line.
        return DisplayText.cut(DisplayText.printable(parts.joined(separator: "  ")), to: columns - 1)
    }

    private static func rateText(_ rate: Double) -> String {
        if rate >= 10 { return "\(Int(rate.rounded()))" }
        let tenths = Int((rate * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// The time as `0:07`, `12:34`, `1:02:03`; a dash for a hundred hours or more.
    private static func clockText(_ seconds: Double) -> String {
        let longest = 360_000.0
        guard seconds < longest else { return "-" }
        let whole = Int(seconds.rounded())
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = whole / 60 % 60
        return whole >= 3_600
            ? "\(whole / 3_600):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
    }

    @Sendable private static func monotonicTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
