import Clocks
import Concurrency
import Tracing

/// A span whose work is to come or under way. Its context is there from the beginning, because it goes into headers and
/// into the ledger before the work begins. Where nobody records it, the context is all there is.
final class OpenSpan: Sendable {
    let context: SpanContext
    var traceparent: String { context.traceparent }
    private let parent: SpanContext
    private let times: SpanTimes
    /// Nil: nobody records it.
    private let record: (@Sendable (Span) -> Void)?
    // Written by the task that does the work.
    private let span = Lock<Span?>(nil)

    init(
        _ context: SpanContext, parent: SpanContext, times: SpanTimes, record: (@Sendable (Span) -> Void)?
    ) {
        self.context = context
        self.parent = parent
        self.times = times
        self.record = record
    }

    /// One beside it, under the same parent.
    func sibling() -> OpenSpan {
        OpenSpan(parent.child(), parent: parent, times: times, record: record)
    }

    func begin(at now: MonotonicTime, _ describe: () -> (name: String, kind: Span.Kind, attributes: [SpanAttribute])) {
        guard record != nil else { return }
        let described = describe()
        span.withLock {
            $0 = Span(
                context, parent: parent, name: described.name, kind: described.kind, start: times.unix(now),
                attributes: described.attributes)
        }
    }

    /// The span is about the same as another one, of which it is no child.
    func link(to other: SpanContext?) {
        guard let other else { return }
        span.withLock { $0?.links.append(other) }
    }

    func note(_ event: String, at now: MonotonicTime, _ attributes: @autoclosure () -> [SpanAttribute] = []) {
        guard record != nil else { return }
        let event = Span.Event(event, at: times.unix(now), attributes())
        span.withLock { $0?.add(event) }
    }

    /// Once; after that nothing is recorded of it.
    func end(at now: MonotonicTime, _ complete: (inout Span) -> Void = { _ in }) {
        guard let record else { return }
        guard
            var ended = span.withLock({ span in
                defer { span = nil }
                return span
            })
        else { return }
        ended.end = max(ended.start, times.unix(now))
        complete(&ended)
        record(ended)
    }
}
