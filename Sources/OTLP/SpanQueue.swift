import Clocks
import Tracing

/// Spans on their way out: so many at most, sent in batches.
struct SpanQueue: Sendable {
    /// OpenTelemetry's own defaults for a batch and for what waits: some megabytes at a kilobyte a span.
    /// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#batch-span-processor
    static let batch = 512
    static let most = 2_048
    /// How long a span waits for others to go with: whoever looks at a job finds it at once, and a busy daemon sends
    /// full batches anyway.
    static let longestWait = Duration.seconds(1)

    private var spans: [Span] = []
    private var firstAt: MonotonicTime?

    var count: Int { spans.count }

    /// Whether somebody who waits has to look again; and how many spans had no place.
    mutating func add(_ more: [Span], at now: MonotonicTime) -> (isNews: Bool, dropped: Int) {
        let before = spans.count
        let fitting = more.prefix(Self.most - before)
        spans += fitting
        if before == 0, !fitting.isEmpty { firstAt = now }
        let isNews = before == 0 && !spans.isEmpty || before < Self.batch && spans.count >= Self.batch
        return (isNews, more.count - fitting.count)
    }

    /// When the next batch goes; nil: nothing waits.
    func due(isEnding: Bool) -> MonotonicTime? {
        guard let firstAt else { return nil }
        return spans.count >= Self.batch || isEnding ? firstAt : firstAt + Self.longestWait
    }

    /// What is left has waited as long as what is taken.
    mutating func takeBatch() -> [Span] {
        let batch = Array(spans.prefix(Self.batch))
        spans.removeFirst(batch.count)
        if spans.isEmpty { firstAt = nil }
        return batch
    }
}
