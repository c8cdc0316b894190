package import Clocks
import Concurrency
package import HTTP
package import Tracing

/// Sends spans to a collector, in batches, on a task and an engine of its own: no job ever waits for it. What does not
/// fit its queue is dropped and counted. A kill -9 costs the spans in the queue, and nothing else.
package final class SpanExporter: SpanSink {
    private struct State {
        var queue = SpanQueue()
        /// Set once, when the exporter is to end.
        var endsBy: MonotonicTime?
    }

    private let configuration: ExporterConfiguration
    private let engine: HTTPEngine
    private let clock: any TimeSource
    private let onEvent: @Sendable (ExportEvent) -> Void
    // Written by whoever ends a span, and by the exporter's task.
    private let state = Lock(State())
    /// There is something to look at: a first span, a full batch, the end.
    private let news = AsyncSignal()
    private let ended = AsyncSignal()

    /// The engine is stopped by whoever made it, after `finish`.
    package init(
        _ configuration: ExporterConfiguration, engine: HTTPEngine, clock: any TimeSource,
        onEvent: @escaping @Sendable (ExportEvent) -> Void
    ) {
        self.configuration = configuration
        self.engine = engine
        self.clock = clock
        self.onEvent = onEvent
    }

    // MARK: From any thread

    package func take(_ spans: [Span]) {
        let now = clock.now()
        let (isNews, dropped) = state.withLock { $0.queue.add(spans, at: now) }
        if isNews { news.signal() }
        if dropped > 0 { onEvent(.dropped(dropped)) }
    }

    package func drop(_ count: Int) {
        if count > 0 { onEvent(.dropped(count)) }
    }

    // MARK: Life

    /// Sends what comes until `finish`.
    package func run() async {
        var health = ExportHealth()
        while let batch = await nextBatch() {
            let pausedUntil = await export(batch, &health)
            if let pausedUntil { await pause(until: pausedUntil) }
        }
        ended.signal()
    }

    /// Sends what waits, for so long at most; the rest is dropped. It returns when `run` has, or when that time is over.
    package func finish(within time: Duration) async {
        let end = clock.now() + time
        state.withLock { $0.endsBy = end }
        news.signal()
        await ended.wait(until: end, by: clock)
        let left = state.withLock { state in
            var count = 0
            while state.queue.count > 0 { count += state.queue.takeBatch().count }
            return count
        }
        drop(left)
    }

    /// Nil: there is nothing more to send.
    private func nextBatch() async -> [Span]? {
        while true {
            let seen = news.count
            let now = clock.now()
            let (batch, due, isEnding) = state.withLock { state in
                let due = state.queue.due(isEnding: state.endsBy != nil)
                let batch = due.map { $0 <= now } == true ? state.queue.takeBatch() : nil
                return (batch, due, state.endsBy != nil)
            }
            if let batch { return batch }
            if isEnding { return nil }
            if let due {
                await news.wait(for: seen + 1, until: due, by: clock)
            } else {
                await news.wait(for: seen + 1)
            }
        }
    }

    /// Nil, or the time before which the collector wants nothing more.
    private func export(_ batch: [Span], _ health: inout ExportHealth) async -> MonotonicTime? {
        let request = configuration.request(TraceRequest(batch, of: configuration.resource).body)
        var retry = ExportRetry(began: clock.now())
        while true {
            let answer = ExportAnswer(await engine.send(request), at: clock.wall())
            if let event = health.note(answer) { onEvent(event) }
            switch answer {
            case .taken(let rejected, _):
                let lost = min(rejected, batch.count)
                if lost < batch.count { onEvent(.exported(batch.count - lost)) }
                drop(lost)
                return nil
            case .refused, .stopped:
                drop(batch.count)
                return nil
            case .later(_, let retryAfter):
                switch retry.failed(retryAfter: retryAfter, at: clock.now()) {
                case .again(let time):
                    guard await pause(until: time) else {
                        drop(batch.count)
                        return nil
                    }
                case .giveUp(let until):
                    drop(batch.count)
                    return until
                }
            }
        }
    }

    /// False if the exporter is to end sooner than that.
    @discardableResult
    private func pause(until time: MonotonicTime) async -> Bool {
        while clock.now() < time {
            let seen = news.count
            if let end = state.withLock({ $0.endsBy }), end < time { return false }
            await news.wait(for: seen + 1, until: time, by: clock)
        }
        return true
    }
}
