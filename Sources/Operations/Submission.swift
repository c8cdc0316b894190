public import Jobs
import Secrets
public import Threads

/// A job that is about to be published.
public struct Submission: Sendable {
    /// Nil only for what nobody checked.
    public let jobID: JobID?
    /// As the publisher wrote it.
    public let body: [UInt8]

    init(jobID: JobID?, body: [UInt8]) {
        self.jobID = jobID
        self.body = body
    }

    /// A job of its own body.
    ///
    /// - Throws: what the worker would say of it.
    public init(
        jobID: JobID?, account: [UInt8], shareToken: [UInt8], deadline: String? = nil,
        metadata: [Job.Metadatum] = [], requestedAt: Timestamp
    ) throws(Rejection) {
        let id = jobID ?? .minted()
        var members: [JSONValue.Member] = [
            .init("version", .integer(1)), .init("jobId", .string(id.utf8)), .init("account", .string(account)),
            .init("shareToken", .string(shareToken)), .init("requestedAt", .text(requestedAt.rfc3339)),
        ]
        if let deadline { members.append(.init("deadline", .text(deadline))) }
        if !metadata.isEmpty {
            members.append(.init("metadata", .object(metadata.map { .init($0.key, .string($0.value)) })))
        }
        try self.init(body: JSONValue.object(members).encoded(), fallbackID: nil)
    }

    /// A job as it is written; one without a jobId gets a new one.
    public init(body: [UInt8]) throws(Rejection) {
        do throws(Rejection) {
            try self.init(body: body, fallbackID: nil)
        } catch {
            guard error.reason == .jobIDMissing else { throw error }
            try self.init(body: body, fallbackID: .minted())
        }
    }

    private init(body: [UInt8], fallbackID: JobID?) throws(Rejection) {
        let job = try JobDecoder.decode(
            body: body, contentType: nil, contentEncoding: nil, messageID: fallbackID?.string
        ).get()
        self.init(jobID: job.id, body: body)
    }
}

extension JobID {
    /// 128 random bits.
    public static func minted() -> JobID {
        var random = SystemRandomNumberGenerator()
        let digits = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &random), radix: 16) }
        return JobID(digits.joined())
    }
}
