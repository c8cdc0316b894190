import AMQP
import Clocks
import Concurrency
import Jobs
import Ledger
import Messages
import Photos
import Tracing

/// Publishes what a job causes, and does not return before the broker has it: a refusal is retried, never the call.
struct ResultPublisher: Sendable {
    let outbox: any Publishing
    let dispatcher: Dispatcher
    let clock: any TimeSource
    let names: QueueNames
    let live: LiveConfiguration
    let hook: PathHook?
    let executor: (any TaskExecutor)?
    let onEvent: @Sendable (PipelineEvent) -> Void
    /// Nil: nobody wants spans.
    var tracing: DeliveryTracing?

    /// A missing or full queue is mended by a person: soon enough to notice, seldom enough to cost nothing.
    private static let retry = Backoff(first: .seconds(1), longest: .seconds(30))

    /// False if the link was stopped before the broker answered. `span`: that of a delivery; without one the result's own
    /// context says in which trace it is sent.
    func publishResult(_ result: StoredResult, replayed: Bool, replyTo: String?, in span: OpenSpan? = nil) async -> Bool
    {
        hook?(.publishResult, .before)
        let events = live.resultEvents
        let publication = ResultMessage(result, isReplayed: replayed).publication(under: names, as: events)
        let span = span ?? tracing?.makeSpan(after: result.traceparent)
        let sent = await untilConfirmed(
            publication, in: span, linkedTo: span?.recorded(result),
            orLighter: {
                guard result.traceparent != nil || result.tracestate != nil else { return nil }
                onEvent(.headersDropped((try? JobResult.decode(result.body))?.jobID))
                var bare = result
                // Of whatever length the job's publisher chose, and the result says the same without them.
                (bare.traceparent, bare.tracestate) = (nil, nil)
                return ResultMessage(bare, isReplayed: replayed).publication(under: names, as: events)
            }, unroutable: .resultsUnroutable, full: .resultsFull)
        guard let sent else { return false }
        hook?(.publishResult, .after)
        if let replyTo { copyToReply(replyTo, sent, in: span?.sibling()) }
        return true
    }

    /// Offers a job's progress to the broker. It is not awaited, and may be dropped.
    func offer(_ progress: JobProgress) {
        outbox.offer(progress.publication(under: names, as: live.resultEvents))
    }

    /// Publishes a copy of the result to reply-to, best effort: the publish is not awaited, and a failure is counted.
    /// Where the result went out with its context, the copy goes with that of its own span.
    private func copyToReply(_ queue: String, _ result: Publication, in span: OpenSpan?) {
        guard isAllowed(queue) else { return }
        var properties = result.properties
        if let span, var headers = properties.headers, headers["traceparent"] != nil {
            span.context.write(to: &headers, of: result.properties)
            properties.headers = headers
        }
        let copy = Publication(
            exchange: "", routingKey: queue, isMandatory: false, properties: properties, body: result.body)
        span?.begin(sending: copy, at: clock.now())
        Task(executorPreference: executor) { [outbox, onEvent, clock] in
            let outcome = await outbox.publish(copy)
            span?.end(at: clock.now()) { $0.complete(outcome) }
            onEvent(.replyCopy(delivered: outcome == .confirmed))
        }
    }

    private func isAllowed(_ queue: String) -> Bool {
        live.now.replyToAllow.contains { pattern in
            pattern.hasSuffix("*")
                ? queue.utf8.starts(with: pattern.dropLast().utf8) : queue.utf8.elementsEqual(pattern.utf8)
        }
    }

    /// The dead letter of a job: the message as it came, with what is known of its end.
    func publishDeadLetter(_ deadLetter: DeadLetter, in trace: DeliveryTrace?) async -> Bool {
        hook?(.publishDeadLetter, .before)
        let isOut = await publish(
            deadLetter.message, of: deadLetter.jobID, isEvent: deadLetter.event != nil,
            exchange: names.deadLetterExchange, routingKey: deadLetter.reason, full: .deadFull, in: trace
        ) { deadLetter.write(to: &$0, droppedHeaders: $1) }
        guard isOut else { return false }
        hook?(.publishDeadLetter, .after)
        if let reason = deadLetter.knownReason { onEvent(.deadLetterPublished(reason)) }
        return true
    }

    /// A clean copy of a message to one of the worker's own queues.
    func publishCopy(
        of message: IncomingMessage, jobID: JobID?, jobHeaders: JobHeaders, to queue: String, in trace: DeliveryTrace?
    ) async -> Bool {
        hook?(.publishCopy, .before)
        let isOut = await publish(
            message, of: jobID, isEvent: jobHeaders.event != nil, exchange: "", routingKey: queue, full: .resultsFull,
            in: trace
        ) { headers, _ in jobHeaders.write(to: &headers) }
        guard isOut else { return false }
        hook?(.publishCopy, .after)
        return true
    }

    /// The message as it came, with the worker's headers beside its own, or without its own where they do not fit.
    private func publish(
        _ message: IncomingMessage, of jobID: JobID?, isEvent: Bool, exchange: String, routingKey: String,
        full: HoldCause, in trace: DeliveryTrace?,
        _ write: (_ headers: inout FieldTable, _ droppedHeaders: Bool) -> Void
    ) async -> Bool {
        let span = trace?.makeSpan()
        func publication(_ made: CleanCopy.Made, carrying context: SpanContext?) -> Publication {
            if made.droppedHeaders { onEvent(.headersDropped(jobID)) }
            var properties = made.properties
            var headers = properties.headers ?? FieldTable()
            if let context { context.write(to: &headers, of: message.properties) }
            write(&headers, made.droppedHeaders)
            properties.headers = headers
            return Publication(
                exchange: exchange, routingKey: routingKey, properties: properties, body: message.body.held)
        }
        let made = CleanCopy.make(of: message.properties, eventJobID: isEvent ? jobID : nil)
        let hasHeaders = !made.droppedHeaders && made.properties.headers.map { !$0.fields.isEmpty } ?? false
        return await untilConfirmed(
            publication(made, carrying: span?.context), in: span,
            orLighter: { hasHeaders || span != nil ? publication(made.withoutHeaders, carrying: nil) : nil },
            unroutable: .resultsUnroutable, full: full) != nil
    }

    /// What the broker has now; nil if the link was stopped first.
    ///
    /// What cannot be sent stays so, and waiting for it would hold every job for the sake of one: `lighter` makes what
    /// goes out in its place, if there is such a thing.
    private func untilConfirmed(
        _ whole: Publication, in span: OpenSpan?, linkedTo other: SpanContext? = nil,
        orLighter lighter: () -> Publication?, unroutable: HoldCause, full: HoldCause
    ) async -> Publication? {
        var publication = whole
        span?.begin(sending: whole, at: clock.now())
        span?.link(to: other)
        var isWhole = true
        var backoff = Self.retry
        var held: HoldCause?
        while true {
            let blockage: (cause: HoldCause, detail: String)
            switch await outbox.publish(publication) {
            case .confirmed:
                if let held { dispatcher.lift(held) }
                span?.end(at: clock.now())
                return publication
            case .unknown:
                span?.end(at: clock.now()) { $0.fail("unconfirmed", "the link was stopped before the broker answered") }
                return nil
            case .unroutable(let code, let text):
                blockage = (unroutable, PublishOutcome.advice(code: code, text: text))
            case .refused:
                blockage = (full, "a queue refused it, because it is full or broken; make room, or raise its limit")
            case .invalid(let detail):
                if isWhole, let bare = lighter() {
                    (publication, isWhole) = (bare, false)
                    continue
                }
                blockage = (unroutable, "it cannot be sent: \(detail)")
            }
            let target = publication.exchange.isEmpty ? "queue" : "exchange \(publication.exchange), key"
            span?.note("refused", at: clock.now(), [SpanAttribute("leave_album.detail", blockage.detail)])
            let detail = "publishing to \(target) \(publication.routingKey): \(blockage.detail)"
            onEvent(
                .publishRefused(
                    .init(
                        exchange: publication.exchange, routingKey: publication.routingKey, detail: blockage.detail)))
            if let held, held != blockage.cause { dispatcher.lift(held) }
            held = blockage.cause
            dispatcher.hold(blockage.cause, detail: detail)
            await clock.sleep(for: backoff.next())
        }
    }
}

extension Span {
    /// How the sending of a copy for reply-to ended, which is tried once. That no queue of that name is there nobody says.
    fileprivate mutating func complete(_ outcome: PublishOutcome) {
        switch outcome {
        case .confirmed: break
        case .unroutable(let code, let text): fail("unroutable", "\(code) \(text)")
        case .refused: fail("refused", "a queue refused it, because it is full or broken")
        case .invalid(let detail): fail("not_sent", detail)
        case .unknown: fail("unconfirmed", "the link was stopped before the broker answered")
        }
    }
}

extension IncomingMessage.Body {
    /// What is in memory of it.
    var held: [UInt8] {
        switch self {
        case .complete(let bytes): bytes
        case .truncated(let prefix, _, _): prefix
        }
    }
}
