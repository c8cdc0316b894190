import AMQP
import Clocks
import Concurrency
import Jobs
import Messages
import Tracing

/// The spans of one delivery: that of its processing, from its coming to its end, and under it those of calls, questions
/// and messages sent.
///
/// Of a delivery that is sampled each goes out when it ends. Of another one they are kept, if failures are, until it is
/// known how it ends.
final class DeliveryTrace: Sendable {
    private struct State {
        var kept: [Span] = []
        /// There was no place to keep them.
        var missing = 0
        var events: [Span.Event] = []
        var droppedEvents = 0
        /// Requests of each kind that went out.
        var sent: [PipelineEvent.Call.Request: Int] = [:]
        var isEnded = false
    }

    /// Of the span of its processing: what follows is its child.
    let context: SpanContext
    /// What the message came with; nil: the trace begins here.
    let parent: SpanContext?
    let tracing: DeliveryTracing
    private let tracestate: String?
    private let message: TracedMessage
    private let times: SpanTimes
    private let keepsFailures: Bool
    // Written by the worker that has the delivery, and by its two publications at once.
    private let state = Lock(State())

    init(_ item: InFlightMessage, _ tracing: DeliveryTracing, _ configuration: PipelineConfiguration) {
        let came = item.publishersTrace
        parent = came.traceparent.flatMap { SpanContext(traceparent: $0) }
        tracestate = came.tracestate
        let traceID = parent?.traceID ?? .random()
        let isSampled = configuration.sampler.samples(traceID, parent: parent)
        context = SpanContext(
            traceID: traceID, spanID: .random(), isSampled: isSampled, isRandom: parent?.isRandom ?? false)
        self.tracing = tracing
        message = TracedMessage(item)
        times = SpanTimes(tracing.clock)
        keepsFailures = configuration.keepFailures && !isSampled
    }

    deinit {
        // Its connection was lost, or the daemon ends: the broker has it again.
        end(at: tracing.clock.now()) { $0.fail("returned", "the delivery went back to the broker") }
    }

    /// Whether anything of it may be wanted.
    private var isRecording: Bool { context.isSampled || keepsFailures }

    /// What its processing is, for the headers of what follows.
    var traceparent: String { context.traceparent }

    // MARK: Spans under it

    func makeSpan() -> OpenSpan {
        let record: (@Sendable (Span) -> Void)? = isRecording ? { @Sendable span in self.keep(span) } : nil
        return OpenSpan(context.child(), parent: context, times: times, record: record)
    }

    /// Something happened on its way.
    func note(_ event: String, _ attributes: @autoclosure () -> [SpanAttribute] = []) {
        guard isRecording else { return }
        let event = Span.Event(event, at: times.unix(tracing.clock.now()), attributes())
        state.withLock { state in
            if state.events.count < Span.mostEvents { state.events.append(event) } else { state.droppedEvents += 1 }
        }
    }

    /// How many requests of that kind have gone out with this delivery, before one more.
    func countRequest(_ request: PipelineEvent.Call.Request) -> Int {
        state.withLock { state in
            defer { state.sent[request, default: 0] += 1 }
            return state.sent[request] ?? 0
        }
    }

    private func keep(_ span: Span) {
        if context.isSampled { return tracing.sink.take([span]) }
        let hasPlace = tracing.places.take()
        let isKept = state.withLock { state in
            // A copy for reply-to may end after the delivery.
            guard !state.isEnded, hasPlace else {
                state.missing += hasPlace ? 0 : 1
                return false
            }
            state.kept.append(span)
            return true
        }
        if hasPlace, !isKept { tracing.places.giveBack(1) }
    }

    // MARK: The end

    /// Once. `isFailure`: what was kept goes out though it is not sampled.
    func end(at now: MonotonicTime, isFailure: Bool = false, _ complete: (inout Span) -> Void) {
        guard isRecording else { return }
        let state = self.state.withLock { state -> State? in
            guard !state.isEnded else { return nil }
            defer { (state.kept, state.events, state.isEnded) = ([], [], true) }
            return state
        }
        guard let state else { return }
        tracing.places.giveBack(state.kept.count)
        guard context.isSampled || isFailure else { return }
        var span = Span(
            context, parent: parent, tracestate: tracestate, name: "process \(message.destination)", kind: .consumer,
            start: times.unix(message.receivedAt), attributes: message.attributes,
            // Which of its deliveries came before nobody knows; what all of them came from is known.
            links: message.isRedelivered ? [parent].compactMap(\.self) : [])
        span.end = max(span.start, times.unix(now))
        for event in state.events { span.add(event) }
        complete(&span)
        tracing.sink.take(state.kept + [span])
        tracing.sink.drop(state.missing)
    }
}
