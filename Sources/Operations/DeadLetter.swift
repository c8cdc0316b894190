import AMQP
public import JSON
public import Jobs
public import Threads

/// A dead letter: a message as it came, and why it died.
public struct DeadLetter: Sendable {
    /// Nil: it never became a job.
    public let jobID: JobID?
    public let account: AccountID?
    /// One word of the list; of a newer worker perhaps one that this program does not know.
    public let reason: String
    public let detail: String?
    public let generation: Int
    public let attempts: Int
    public let isAmbiguous: Bool
    public let httpStatus: Int?
    public let apiStatus: String?
    public let deadAt: Timestamp?
    /// Times that the broker gave it out before.
    let deliveries: Int64
    let message: IncomingMessage

    init(_ message: IncomingMessage) {
        self.message = message
        let headers = message.properties.headers
        func text(_ name: String) -> String? {
            guard case .string(let bytes)? = headers?[name] else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        func number(_ name: String) -> Int64? {
            guard case .integer(let value)? = headers?[name] else { return nil }
            return value
        }
        // As the worker reads it: what else the publisher wrote is not looked at.
        var body: JSONMembers?
        if case .complete(let bytes) = message.body { body = JSONMembers(bytes, naming: ["jobId", "account"]) }
        jobID = (body?["jobId"]?.utf8 ?? message.properties.messageID.map { Array($0.utf8) }).flatMap(
            JobID.init(checking:))
        account = body?["account"]?.utf8.map(AccountID.init(utf8:))
        reason = text(OwnHeader.reason) ?? "unknown"
        detail = text(OwnHeader.detail)
        // One less than the most: a redrive writes one more, which the worker is to believe.
        generation =
            number(OwnHeader.generation).flatMap { OwnHeader.counts.dropLast().contains($0) ? Int($0) : nil } ?? 0
        attempts = number(OwnHeader.attempts).map(Int.init(clamping:)) ?? 0
        isAmbiguous = headers?[OwnHeader.ambiguous] == .boolean(true)
        httpStatus = number(OwnHeader.httpStatus).map(Int.init(clamping:))
        apiStatus = text(OwnHeader.apiStatus)
        deadAt = number(OwnHeader.deadAt).map(Timestamp.init(milliseconds:))
        deliveries = number("x-delivery-count") ?? 0
    }

    /// Its body is larger than is held in memory, and cannot be moved.
    var isWhole: Bool {
        guard case .complete = message.body else { return false }
        return true
    }

    /// It never became a job: what was published has to be mended, and nothing is won by giving it out again.
    public var isRejected: Bool { Reason(rawValue: reason)?.outcome == .rejected }

    /// Which browser laid it back.
    var browser: String? {
        guard case .string(let bytes)? = message.properties.headers?[OwnHeader.browsed] else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Everything but the share token, of which it has the hash.
    public var json: JSONValue {
        var members: [JSONValue.Member] = []
        if let jobID { members.append(.init("jobId", .string(jobID.utf8))) }
        if let account { members.append(.init("account", .string(account.utf8))) }
        members.append(.init("reason", .text(reason)))
        if let detail { members.append(.init("detail", .text(detail))) }
        members.append(.init("generation", .integer(Int64(generation))))
        members.append(.init("attempts", .integer(Int64(attempts))))
        members.append(.init("ambiguous", .bool(isAmbiguous)))
        if let httpStatus { members.append(.init("httpStatus", .integer(Int64(httpStatus)))) }
        if let apiStatus { members.append(.init("apiStatus", .text(apiStatus))) }
        if let deadAt { members.append(.init("deadAt", .text(deadAt.rfc3339))) }
        return .object(members)
    }
}

/// Which letters are meant. What is not said is not asked.
public struct DeadLetterFilter: Sendable {
    public var reasons: [String]
    public var account: AccountID?
    /// Letters of any of these; empty: of any job.
    public var jobIDs: [JobID]
    /// Dead before that time.
    public var before: Timestamp?

    public init(reasons: [String] = [], account: AccountID? = nil, jobIDs: [JobID] = [], before: Timestamp? = nil) {
        self.reasons = reasons
        self.account = account
        self.jobIDs = jobIDs
        self.before = before
    }

    public var isOfAll: Bool { reasons.isEmpty && account == nil && jobIDs.isEmpty && before == nil }

    public func matches(_ letter: DeadLetter) -> Bool {
        (reasons.isEmpty || reasons.contains(letter.reason)) && (account == nil || letter.account == account)
            && (jobIDs.isEmpty || letter.jobID.map { jobIDs.contains($0) } ?? false)
            && (before.map { limit in letter.deadAt.map { $0 < limit } ?? false } ?? true)
    }
}
