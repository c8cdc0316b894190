package import Clocks
package import Jobs

/// One line of a job's history beside its row: an answer that did not end it, a parking, a hold.
package struct JobEvent: Equatable, Sendable {
    package var jobID: JobID
    package var generation: Int
    package var at: Timestamp
    /// One word: `called`, `parked`, `held`.
    package var kind: String
    /// For people; no tokens.
    package var detail: String

    package init(jobID: JobID, generation: Int, at: Timestamp, kind: String, detail: String) {
        self.jobID = jobID
        self.generation = generation
        self.at = at
        self.kind = kind
        self.detail = detail
    }
}

/// The trace in which something happened, at the end of the line about it: what is known of it while a job has no
/// result, which keeps its own.
extension JobEvent {
    private static let (traceBegins, traceEnds) = (" (trace ", ")")
    private static let traceLength = 32

    /// `trace`: see `TraceContext.traceID`.
    package static func detail(_ text: String, trace: String?) -> String {
        trace.map { text + traceBegins + $0 + traceEnds } ?? text
    }

    /// The trace at the end of such a line.
    package static func trace(of detail: String) -> String? {
        let end = detail.utf8.suffix(traceBegins.utf8.count + traceLength + traceEnds.utf8.count)
        guard end.starts(with: traceBegins.utf8), end.last == traceEnds.utf8.first else { return nil }
        let digits = end.dropFirst(traceBegins.utf8.count).dropLast(traceEnds.utf8.count)
        let isTrace = digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        return isTrace ? String(decoding: digits, as: UTF8.self) : nil
    }

    /// Such a line without that trace, for whoever says it elsewhere.
    package static func text(of detail: String, without trace: String?) -> String {
        guard let trace, Self.trace(of: detail) == trace else { return detail }
        return String(detail.dropLast(traceBegins.count + traceLength + traceEnds.count))
    }
}
