package import Clocks
import JSON
package import Jobs
import Secrets

/// A job that is about to be published.
package struct Submission: Sendable {
    /// The job's id; nil only for a submission that was not checked.
    package let jobID: JobID?
    /// As the publisher wrote it.
    package let body: [UInt8]
    let contentType: String

    init(jobID: JobID?, body: [UInt8], contentType: String = "application/json") {
        self.jobID = jobID
        self.body = body
        self.contentType = contentType
    }

    /// A job of its own body, or of an event's.
    ///
    /// - Throws: what the worker would say of it.
    package init(
        jobID: JobID?, account: [UInt8], shareToken: [UInt8], deadline: String? = nil,
        metadata: [Job.Metadatum] = [], requestedAt: Timestamp, as events: EventSubmission? = nil
    ) throws(Rejection) {
        let id = jobID ?? .generated()
        var members: [JSONValue.Member] = [
            .init("version", .integer(1)), .init("jobId", .string(id.utf8)), .init("account", .string(account)),
            .init("shareToken", .string(shareToken)), .init("requestedAt", .text(requestedAt.rfc3339)),
        ]
        if let deadline { members.append(.init("deadline", .text(deadline))) }
        if !metadata.isEmpty {
            members.append(.init("metadata", .object(metadata.map { .init($0.key, .string($0.value)) })))
        }
        self = try Self.read(JSONValue.object(members).encoded(), as: events).submission
    }

    static func read(
        _ body: [UInt8], as events: EventSubmission?
    ) throws(Rejection) -> (submission: Submission, job: Job) {
        if let events { try events.read(body) } else { try read(body) }
    }

    /// A job as it is written, and what it says; one without a jobId gets a new one.
    static func read(_ body: [UInt8]) throws(Rejection) -> (submission: Submission, job: Job) {
        do throws(Rejection) {
            return try read(body, fallbackID: nil)
        } catch {
            guard error.reason == .jobIDMissing else { throw error }
            return try read(body, fallbackID: .generated())
        }
    }

    private static func read(
        _ body: [UInt8], fallbackID: JobID?
    ) throws(Rejection) -> (submission: Submission, job: Job) {
        let job = try JobDecoder.decode(
            body: body, contentType: nil, contentEncoding: nil, messageID: fallbackID?.string
        ).get()
        return (Submission(jobID: job.id, body: body), job)
    }
}

extension JobID {
    /// 128 random bits.
    package static func generated() -> JobID {
        var random = SystemRandomNumberGenerator()
        let digits = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &random), radix: 16) }
        return JobID(digits.joined())
    }
}
