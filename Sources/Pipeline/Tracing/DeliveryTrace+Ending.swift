import Clocks
import Jobs
import Tracing

/// What the span of a delivery says of its end.
extension DeliveryTrace {
    /// `event`: what was said of it when the broker had what it caused.
    func settled(_ event: PipelineEvent?, at now: MonotonicTime) {
        end(at: now, isFailure: event?.isFailure ?? false) { $0.complete(event) }
    }

    /// It goes back to the broker: the ledger was closed, or a link was stopped.
    func returned(at now: MonotonicTime) {
        end(at: now) { $0.fail("returned", "the delivery went back to the broker") }
    }
}

extension PipelineEvent {
    /// What `trace.keep_failures` is for.
    fileprivate var isFailure: Bool {
        switch self {
        case .ended(let job): job.outcome == .failed
        case .parked(let copy): copy.isFault
        case .settled, .replayed, .called, .steppedAside, .released, .cancelled, .deadLetterPublished, .replyCopy,
            .holdsChanged, .accountWaits, .accountGoesOn, .forgedHeaders, .headersDropped, .quarantine, .publishRefused,
            .ledgerRefused, .fenced, .overdue:
            false
        }
    }
}

extension Span {
    fileprivate mutating func complete(_ event: PipelineEvent?) {
        func settled(_ word: String) { add("leave_album.settled", .string(word)) }
        switch event {
        case .ended(let job):
            settled("ended")
            add("leave_album.outcome", .string(job.outcome.rawValue))
            add("leave_album.reason", job.reason.map { .string($0.rawValue) })
            add("leave_album.attempts", .integer(Int64(job.attempts)))
            if let reason = job.reason { fail(reason.rawValue, job.detail ?? reason.rawValue) }
        case .replayed: settled("replayed")
        case .parked(let copy):
            settled("parked")
            if copy.isFault { fail("parked", copy.cause) }
        case .steppedAside(let copy):
            settled("stepped_aside")
            add("leave_album.step_aside.cause", .string(copy.cause.rawValue))
        case .released: settled("released")
        case .quarantine: settled("quarantined")
        case .cancelled: settled("cancel_noted")
        case nil: settled("acknowledged")
        case .settled, .called, .deadLetterPublished, .replyCopy, .holdsChanged, .accountWaits, .accountGoesOn,
            .forgedHeaders, .headersDropped, .publishRefused, .ledgerRefused, .fenced, .overdue:
            preconditionFailure("no delivery ends by it")
        }
    }
}
