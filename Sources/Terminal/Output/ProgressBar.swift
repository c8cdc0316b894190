import CLinux

/// One line on standard error that says how far a command is, with rate and time left. On anything but a terminal it
/// shows nothing. Updates drive it; it has no clock of its own that would wake anybody.
package struct ProgressBar: ~Copyable {
    /// Faster than people read, slow enough to cost nothing.
    private static let redrawInterval = Duration.milliseconds(100)
    private static let barColumns = 24
    private static let defaultColumns = 80
    /// Back to the line's begin, and what stood there erased.
    private static let clear = "\r\u{1B}[K"

    private let title: String
    private let total: Int?
    private let columns: Int
    private let now: @Sendable () -> Duration
    private let write: (@Sendable (String) -> Void)?
    private let start: Duration
    private var completed = 0
    private var lastDrawn: Duration?

    /// - Parameters:
    ///   - total: how many there are; nil if that is not known, and there is neither bar nor time left.
    package init(title: String, total: Int?) {
        let draw: @Sendable (String) -> Void = { StandardStream.error.write($0) }
        self.init(
            title: title, total: total, columns: StandardStream.error.columns ?? Self.defaultColumns,
            now: Self.monotonicTime, write: StandardStream.error.isTerminal ? draw : nil)
    }

    /// - Parameters:
    ///   - now: a time that only goes forward.
    ///   - write: where it is drawn; nil shows nothing.
    init(
        title: String, total: Int?, columns: Int, now: @escaping @Sendable () -> Duration,
        write: (@Sendable (String) -> Void)?
    ) {
        self.title = title
        self.total = total
        self.columns = columns
        self.now = now
        self.write = write
        start = now()
    }

    /// - Parameter completed: how many are done, of all.
    package mutating func update(completed: Int) {
        guard let write else { return }
        self.completed = completed
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
