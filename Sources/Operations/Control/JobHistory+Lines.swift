package import Clocks
import Jobs
import Ledger

/// A job's history in the words in which people read it, wherever they do.
extension JobHistory {
    /// Something that happened to the job, or a hold that stood meanwhile.
    package struct Line: Equatable, Sendable {
        package let at: Timestamp
        /// One word.
        package let kind: String
        package let detail: String
    }

    /// In the order of their times.
    package var lines: [Line] {
        let happened = events.map { Line(at: $0.at, kind: $0.kind, detail: $0.detail) }
        let stood = holds.map {
            Line(
                at: $0.since, kind: "hold",
                detail: "\($0.cause.rawValue) until \($0.until?.rfc3339 ?? "now"): \($0.detail)")
        }
        return (happened + stood).sorted { $0.at < $1.at }
    }
}

extension JobHistory.State {
    package var sentence: String {
        switch self {
        case .parked(let parking):
            parking.copyIsPublished
                ? "parked until \(parking.due.rfc3339)"
                : "parked until \(parking.due.rfc3339); its copy is not confirmed yet"
        case .calling: "calling, or interrupted in a call"
        case .waiting: "waiting in the worker or in a queue"
        case .finished(resultIsPublished: false, _): "finished; its result is not confirmed yet"
        case .finished(_, deadLetterIsPublished: false): "finished; its dead letter is not confirmed yet"
        case .finished: "finished"
        }
    }
}
