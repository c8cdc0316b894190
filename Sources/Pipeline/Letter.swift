import AMQP
import Jobs
import Secrets
import Threads

/// A dead letter: the message and why it died.
struct Letter: Sendable {
    let message: IncomingMessage
    let jobID: JobID?
    let stamp: Stamp
    let reason: Reason
    let detail: String?
    let attempts: Int
    let httpStatus: Int?
    let apiStatus: String?
    let deadAt: Timestamp

    /// As for the result's detail.
    private static let longestDetail = 512

    func write(to headers: inout FieldTable, droppedHeaders: Bool) {
        var copied = stamp
        // What the copy's place in the retry ladder was says nothing any more.
        copied.notBefore = nil
        copied.turn = nil
        copied.moves = 0
        copied.suspect = 0
        copied.write(to: &headers)
        func append(_ name: String, _ value: FieldValue) { headers.append(OwnHeader.prefix + name, value) }
        append("reason", .text(reason.rawValue))
        if let detail { append("detail", .string(Array(detail.utf8.prefix(Self.longestDetail)))) }
        append("attempts", .integer(Int64(attempts)))
        if let httpStatus { append("http-status", .integer(Int64(httpStatus))) }
        if let apiStatus { append("api-status", .text(apiStatus)) }
        append("dead-at", .integer(deadAt.milliseconds))
        if droppedHeaders { append("headers-dropped", .boolean(true)) }
        if case .truncated(_, let size, let sha256) = message.body {
            append("body-size", .integer(Int64(clamping: size)))
            append("body-sha256", .text(sha256.hexadecimal))
        }
    }
}
