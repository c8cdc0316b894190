package import AMQP
package import Clocks
import JSON
package import Jobs

/// A dead letter: a message as it came, and why it died. The worker makes and writes it, the operator's commands read
/// it and give its job out again.
package struct DeadLetter: Sendable {
    /// When the dead letter is made, the message of the job; when it is read, the dead letter's own.
    package let message: IncomingMessage
    /// Nil: it never became a job.
    package let jobID: JobID?
    /// The job's past, without its place in the retry ladder, which says nothing any more.
    package let headers: JobHeaders
    /// One word of the list; of a newer worker perhaps one that this program does not know.
    package let reason: String
    package let detail: String?
    package let attempts: Int
    package let httpStatus: Int?
    package let apiStatus: String?
    /// Nil only where the header cannot be read.
    package let deadAt: Timestamp?

    /// The dead letter of a message whose job ends now. `headers`: what a copy of the message would carry.
    package init(
        message: IncomingMessage, jobID: JobID?, headers: JobHeaders, reason: Reason, detail: String?, attempts: Int,
        httpStatus: Int?, apiStatus: String?, deadAt: Timestamp
    ) {
        self.message = message
        self.jobID = jobID
        var past = headers
        past.notBefore = nil
        past.turn = nil
        past.moves = 0
        past.suspect = 0
        past.deliveries = 0
        past.givenUp = nil
        past.reportedProgress = ReportedProgress()
        self.headers = past
        self.reason = reason.rawValue
        self.detail = detail
        self.attempts = attempts
        self.httpStatus = httpStatus
        self.apiStatus = apiStatus
        self.deadAt = deadAt
    }

    /// Reads a message of the queue of dead letters. What is not well-formed counts as absent.
    package init(reading message: IncomingMessage) {
        let headers = message.properties.headers
        func text(_ name: String) -> String? {
            guard case .string(let bytes)? = headers?[name] else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        func number(_ name: String) -> Int64? {
            guard case .integer(let value)? = headers?[name] else { return nil }
            return value
        }
        self.message = message
        self.headers = JobHeaders(reading: headers)
        jobID = Self.jobID(of: message, isUnread: self.headers.isUnread)
        reason = text(JobHeaders.Name.reason) ?? "unknown"
        detail = text(JobHeaders.Name.detail)
        attempts = number(JobHeaders.Name.attempts).map(Int.init(clamping:)) ?? 0
        httpStatus = number(JobHeaders.Name.httpStatus).map(Int.init(clamping:))
        apiStatus = text(JobHeaders.Name.apiStatus)
        deadAt = number(JobHeaders.Name.deadAt).map(Timestamp.init(milliseconds:))
    }

    // MARK: What it says

    /// The account that the body names.
    package var account: AccountID? { Self.member("account", of: message).map(AccountID.init(utf8:)) }

    /// Nil for a reason of a newer worker.
    package var knownReason: Reason? { Reason(rawValue: reason) }

    /// The job's generation, of which a redrive makes the next one. So the largest that the worker believes counts as
    /// absent, like all that nobody wrote.
    package var generation: Int {
        headers.generation < Int(JobHeaders.counts.upperBound) ? headers.generation : 0
    }

    /// A call of the job may have reached the API without an answer.
    package var isAmbiguous: Bool { headers.isAmbiguous }

    /// False: the body is larger than is held in memory, and cannot be moved.
    package var isWhole: Bool {
        guard case .complete = message.body else { return false }
        return true
    }

    /// It never became a job: what was published has to be mended, and nothing is won by giving it out again.
    package var isRejected: Bool { knownReason?.outcome == .rejected }

    /// Which browser laid it back into its queue.
    package var browser: String? {
        guard case .string(let bytes)? = message.properties.headers?[JobHeaders.Name.browsed] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// After which no call of its job begins: as its publisher wrote, or as an operator gave it at a redrive.
    package var deadline: Timestamp? {
        let own = Self.member("deadline", of: message).flatMap(Timestamp.init(rfc3339:))
        return NewDeadline.inForce(headers.deadline, own: own)
    }

    /// The event as which the message was accepted.
    package var event: EventContext? { headers.event }

    /// As the worker takes it: of an event that was never accepted the message-id names no job.
    private static func jobID(of message: IncomingMessage, isUnread: Bool) -> JobID? {
        let written =
            member("jobId", of: message)
            ?? (isUnread ? eventID(of: message) : message.properties.messageID.map { Array($0.utf8) })
        return written.flatMap(JobID.init(checking:))
    }

    private static func eventID(of message: IncomingMessage) -> [UInt8]? {
        guard !EventDecoder.isStructured(message.properties.contentType) else {
            guard case .complete(let body) = message.body else { return nil }
            return JSONMembers(body, naming: ["id"])["id"]?.utf8
        }
        return EventHeaders.attributes(in: message.properties.headers)?.jobID?.utf8
    }

    /// A text of the job, as the worker reads it: what else the publisher wrote is not looked at.
    private static func member(_ name: String, of message: IncomingMessage) -> [UInt8]? {
        guard case .complete(let body) = message.body else { return nil }
        guard EventDecoder.isStructured(message.properties.contentType) else {
            return JSONMembers(body, naming: [name])[name]?.utf8
        }
        let data = JSONMembers(body, naming: [], placing: "data").place
        return data.flatMap { JSONMembers(Array(body[$0]), naming: [name])[name]?.utf8 }
    }
}
