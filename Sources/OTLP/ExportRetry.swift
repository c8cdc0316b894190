import Clocks
import Concurrency

/// How long a batch is tried, and when next. https://opentelemetry.io/docs/specs/otlp/#retryable-errors
struct ExportRetry: Sendable {
    enum Step: Equatable, Sendable {
        case again(at: MonotonicTime)
        /// The batch is dropped, and nothing is sent before that time.
        case giveUp(until: MonotonicTime)
    }

    /// A collector that starts again takes some seconds; meanwhile newer spans fill the queue.
    static let longest = Duration.seconds(60)
    /// Longer than any collector means a pause to be.
    static let longestPause = Duration.seconds(300)

    private let began: MonotonicTime
    private var backoff = Backoff(first: .seconds(1), longest: .seconds(15))

    init(began: MonotonicTime) {
        self.began = began
    }

    mutating func failed(
        retryAfter: Duration?, at now: MonotonicTime, random: Double = .random(in: 0..<1)
    ) -> Step {
        let wait = max(backoff.next(random: random), min(retryAfter ?? .zero, Self.longestPause))
        let next = now + wait
        if next - began <= Self.longest { return .again(at: next) }
        return .giveUp(until: retryAfter == nil ? now : next)
    }
}
